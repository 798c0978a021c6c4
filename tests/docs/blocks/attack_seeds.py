"""Blocks of docs/results/attacks.md about several seeds."""

from __future__ import annotations

from tests.docs import result_files as files
from tests.docs.blocks.attack_benchmark import UNLEARNING, UNTOUCHED
from tests.docs.markdown import bullets, claim, table

SUMMARY = "report/attacks-gtsrb/seeds-summary.csv"


def over_seeds() -> str:
    """Each attack before and after the defenses."""
    rows = [row for row in files.rows(SUMMARY) if row["defence"] in shown_defenses()]
    head = ["attack", "defense", "seeds", "clean", "attack success", "recovered", "of the ceiling"]
    return table(
        head,
        [
            [
                row["title"],
                row["defence"],
                f"{row['seeds']}",
                *(_spread(row, name, digits) for name, digits in SHOWN),
            ]
            for row in rows
        ],
    )


SHOWN = (
    ("clean_accuracy", 1),
    ("attack_success", 2),
    ("recovered_accuracy", 1),
    ("recovered_of_ceiling", 0),
)


def shown_defenses() -> tuple[str, ...]:
    """Those that the table has room for."""
    return UNTOUCHED, files.TEN_POINTS, UNLEARNING


def seeds_findings() -> str:
    """How far seeds differ."""
    rows = {(row["title"], row["defence"]): row for row in files.rows(SUMMARY)}
    before = [row for (_, defense), row in rows.items() if defense == UNTOUCHED]
    after = [row for (_, defense), row in rows.items() if defense == UNLEARNING]
    widest = max(after, key=lambda row: row["attack_success_max"])
    return bullets(
        [
            claim(
                "After trigger unlearning, the highest attack success of any seed is"
                f" {widest['attack_success_max']:.1f} % ({widest['title']}, lowest"
                f" {widest['attack_success_min']:.1f} %).",
                all(row["seeds"] == 3 for row in (*before, *after)),
                len(before) == len(after) == 4,
            )
        ]
    )


def _spread(row: files.Row, name: str, digits: int) -> str:
    mean, low, high = (row[name + end] for end in ("", "_min", "_max"))
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


BLOCKS = {"attack-seeds": over_seeds, "attack-seeds-findings": seeds_findings}
