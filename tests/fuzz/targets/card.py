"""A model's card, read and told as the pages tell it."""

from engine import store
from engine.core import paths
from engine.reporting import verdict
from engine.store import near_chance, summary
from tests.fuzz.mutate import as_json
from tests.fuzz.run import Target
from tests.fuzz.targets.scratch import written

NAMES = ("signs-ftrojan", "signs-clean", "attack-gtsrb-ban", "attack-gtsrb-pruning-aware")


def _seeds():
    return [(paths.SHIPPED_MODELS / name / "card.json").read_bytes() for name in NAMES]


def _parse(content):
    with written("card.json", content) as path:
        card = store.open_folder(path.parent).card
    card.to_json().encode()
    backdoor = card.backdoor
    known = backdoor and (backdoor.trigger, backdoor.target_name, backdoor.target_for(0))
    return known, summary.describe(card), verdict.headline(card), near_chance.warn(card)


TARGET = Target("card", _seeds, _parse, as_json)
