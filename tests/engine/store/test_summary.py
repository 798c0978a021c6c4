"""Titles and descriptions of stored models."""

from dataclasses import replace

import pytest

from engine import store
from engine.store import summary


@pytest.mark.parametrize(
    ("architecture", "named"),
    [("vgg:width=16", ", VGG"), ("from-elsewhere", ", from-elsewhere"), ("paper", "")],
)
def test_a_title_names_the_network_unless_it_is_the_papers(architecture, named):
    card = store.find("signs-ftrojan").card
    card = replace(card, training={**card.training, "architecture": architecture, "seed": 2})
    assert summary.title(card) == f"FTrojan on drawn signs{named}, seed 2"
    assert summary.title(replace(card, repair={"method": "clp"})).startswith(
        f"FTrojan on drawn signs{named}, repaired"
    )
    assert (f"`{architecture}`" in summary.describe(card)) == bool(named)


def test_a_repair_with_other_images_and_the_seed_of_a_compared_attack_are_named():
    card = store.find("gtsrb-ftrojan-repaired").card
    drawn = summary.describe(replace(card, repair={**card.repair, "images": "signs"}))
    assert "with clean images of **signs**: " in drawn and "images of" not in summary.describe(card)
    attack = store.find("attack-gtsrb-blend").card
    other = replace(attack, training={**attack.training, "seed": 2})
    assert summary.title(other) == summary.title(attack).replace(" (attack", ", seed 2 (attack")
