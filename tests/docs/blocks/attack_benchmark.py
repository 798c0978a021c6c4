"""The attack benchmarks, as the blocks about them read their tables."""

from __future__ import annotations

import math

from engine.defenses.repairs import RECOMMENDED, REPAIRS
from tests.docs import result_files as files

TABLE, LONGER = "report/attacks-gtsrb/attacks.csv", "report/attacks-gtsrb/longer.csv"
CLP, UNLEARNING = REPAIRS["clp"].title, REPAIRS[RECOMMENDED].title
CAPS = REPAIRS["activation-caps"].title
WORKING, UNDONE = 50.0, 5.0  # percent of attack success before and after
UNTOUCHED = "As it is"
OBEYED = 95.0  # percent of attack success


def gtsrb_attacks() -> dict[str, files.Row]:
    return {row["attack"]: row for row in files.rows(TABLE) if row["rate"]}


def is_ftrojan(name: str) -> bool:
    return name.startswith("ftrojan") or name == "pruning-aware"


def left_by(attack: str, defense: str) -> files.Row:
    """What a defense left of an attack on GTSRB."""
    return files.defended("gtsrb")[attack, defense]


def success_after(repair: str, attack: str) -> float:
    """Attack success, percent, after a repair."""
    return left_by(attack, REPAIRS[repair].title)["attack_success"]


def costs_of(repair: str) -> dict[str, float]:
    """Points of clean accuracy that a repair costs, by attack."""
    title = REPAIRS[repair].title
    return {
        attack: row["clean_accuracy"] - left_by(attack, title)["clean_accuracy"]
        for attack, row in gtsrb_attacks().items()
    }


def working_attacks() -> list[str]:
    """The attacks that succeed more than half of the time."""
    return [name for name, row in gtsrb_attacks().items() if row["attack_success"] > WORKING]


def undone_attacks() -> list[str]:
    """Those of them that trigger unlearning leaves at most `UNDONE` percent of."""
    return [name for name in working_attacks() if success_after(RECOMMENDED, name) <= UNDONE]


def title_of(attack: str) -> str:
    title: str = gtsrb_attacks()[attack]["title"]
    return title


def ceiling_of(row: files.Row) -> str:
    """The ceiling of recovered accuracy, percent."""
    return "not known" if math.isnan(row["ceiling"]) else f"{row['ceiling']:.1f}"


def number_word(count: int) -> str:
    words = "No One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen"
    return words.split()[count]


def two_figures(row: files.Row) -> str:
    return files.figures(row, files.METRICS[1:])
