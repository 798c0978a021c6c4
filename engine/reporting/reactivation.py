"""What fine-tuning brings back of a backdoor, in the words of pages, reports and documents."""

from __future__ import annotations

import pandas as pd

from engine.core.errors import UserError
from engine.defenses.repairs import parse_repair
from engine.experiments.backdoor_reactivation import CLEAN_NETWORK, POISONED_IMAGES, SHARE
from engine.store.tables import CLEAN_IMAGES, FIVE_POISONED

NOT_MEASURED = "not measured"
IMAGES = {
    CLEAN_IMAGES: "clean images",
    FIVE_POISONED: "clean images and five poisoned ones",
}
EXPLANATION = (
    "A new owner may train a repaired network further, on clean images. The harder test (Min et al."
    f" 2024) puts {POISONED_IMAGES} images with the attacker's trigger and label among clean ones;"
    f" together they are {SHARE:.0%} of the training set. If that brings attack success back far"
    " above what it reaches in a network that never had the backdoor, the repair only hid it."
)
# Columns of `success_by_repair`, with their headings.
SUCCESS = {
    "before": "after the repair",
    "clean": "after four clean epochs",
    "poisoned": "after five poisoned images",
}


def lacks_poisoned(table: pd.DataFrame) -> bool:
    """Whether a table was made before there was the test with five poisoned images.

    Args:
        table: the table "reactivation" of a model.
    """
    return FIVE_POISONED not in set(table["images"])


def success_by_repair(table: pd.DataFrame) -> pd.DataFrame:
    """Attack success of each repair, in a row.

    Args:
        table: see `backdoor_reactivation.measure_repairs`.

    Returns:
        repair (its title) and the columns `SUCCESS`, in percent; NaN where not measured.
    """
    is_clean, is_start = table["images"] == CLEAN_IMAGES, table["epochs"] == 0
    parts = {
        "before": table[is_clean & is_start],
        "clean": table[is_clean & ~is_start].drop_duplicates("repair", keep="last"),
        "poisoned": table[~is_clean],
    }
    success = {name: part.set_index("repair")["attack_success"] for name, part in parts.items()}
    names = list(dict.fromkeys(table["repair"]))
    rows = pd.DataFrame(success).reindex(names).reset_index(names="repair")
    return rows.assign(repair=[title_of(name) for name in names])


def title_of(repair: str) -> str:
    """The title of a repair, or of the clean network that stands in its place."""
    if repair == CLEAN_NETWORK:
        return "None: a network without the backdoor"
    try:
        return parse_repair(repair).title
    except UserError:
        return repair  # it no longer exists
