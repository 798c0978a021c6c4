"""The tables of the README, from the files beside it: ``python -m tests.docs.readme_tables``."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from engine.core.paths import PROJECT
from engine.defenses.repairs import COMPARED, RECOMMENDED, REPAIRS
from engine.defenses.repairs.accuracy_budget import DEFAULT_BUDGET
from engine.defenses.repairs.repair import BudgetedRepair
from engine.experiments.run_repairs import method_of

README = PROJECT / "README.md"
Row = dict[str, Any]
TEN_POINTS = "Pruning, as in the paper: 10 points"
PUBLISHED = {  # clean accuracy and attack success (%) on BackdoorBench's leaderboard
    "badnets": (97.24, 59.25),
    "blend": (98.58, 99.99),
    "trojan-nn": (98.57, 100.0),
    "low-frequency": (97.93, 99.57),
    "wanet": (97.74, 94.25),
    "input-aware": (97.26, 92.74),
    "bpp": (97.43, 99.90),
}


def tables() -> dict[str, list[list[str]]]:
    """Every table made from files: its rows, cell by cell, under its first line in the README."""
    return {
        "| | clean accuracy | attack success | recovered accuracy | DER | seconds |": _over_seeds(),
        "| repair | `signs-ftrojan` | 95 % sure | `cifar10-ftrojan` |": _on_other_models(),
        "| cost of a repair on | `gtsrb-clean` | 95 % sure | `signs-clean` | 95 % sure |": (
            _costs_on_clean_models()
        ),
        "| picture | clean | attack | recovered |": _lasting("gtsrb-ftrojan", "robustness"),
        "| epochs on clean images | clean | attack | recovered |": _lasting(
            "gtsrb-ftrojan-repaired", "reactivation"
        ),
        "| attack | PSNR (dB) | SSIM | poisoned | clean | cost | attack success |"
        " pruned, 10 points | CLP | spectral unlearning |": _attacks(),
        "| attack | as it is | all layers | fine-tuning | fine-pruning | ANP | RNP | FT-SAM | NAD |"
        " I-BAU |": _left_by_the_others(),
        "| attack on `signs` | clean | cost | attack success | pruned, 10 points | CLP |": (
            _attacks_on_signs()
        ),
        "| attack | published | here | epochs here |": _published(),
    }


def written(text: str) -> str:
    """The README's text, its tables made anew.

    Raises:
        ValueError: a table's first line is not there.
    """
    for head, rows in tables().items():
        place = re.compile(re.escape(head) + r"\n\|[-|]+\|\n(?:\|.*\n)*")
        rule = "|" + "---|" * (head.count("|") - 1)
        body = ["| " + " | ".join(cells) + " |" for cells in rows]
        made = "\n".join([head, rule, *body]) + "\n"
        text, found = place.subn(lambda _, made=made: made, text)
        if found != 1:
            raise ValueError(f"{found} tables begin with {head}")
    return text


def _over_seeds() -> list[list[str]]:
    def spread(row: Row, figure: str, digits: int) -> str:
        mean, low, high = (row[figure + end] for end in ("", "_min", "_max"))
        return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    return [
        [
            _emphasised(row["title"]),
            spread(row, "clean_accuracy", 1),
            spread(row, "attack_success", 2),
            spread(row, "recovered_accuracy", 1),
            f"{row['der']:.3f}",
            "" if pd.isna(row["seconds_max"]) else f"{row['seconds_max']:.0f}",
        ]
        for row in _rows("report/repairs-gtsrb.csv")
    ]


def _on_other_models() -> list[list[str]]:
    shown = (_repairs("signs-ftrojan"), _surely("signs-ftrojan"), _repairs("cifar10-ftrojan"))
    untouched = [_three(rows["none"]) for rows in shown]
    untouched[1] = ""
    return [
        ["as it is", *untouched],
        *(
            [_emphasised(REPAIRS[method].title), *(_three(rows[method]) for rows in shown)]
            for method in COMPARED
        ),
    ]


def _costs_on_clean_models() -> list[list[str]]:
    """In points of clean accuracy."""

    def cost(rows: dict[str, Row], method: str) -> str:
        lost = rows["none"]["clean_accuracy"] - rows[method]["clean_accuracy"]
        return f"{round(lost, 2) + 0.0:.2f}{_unless_changed(rows[method])}"  # no "-0.00"

    shown = [of(model) for model in ("gtsrb-clean", "signs-clean") for of in (_repairs, _surely)]
    return [
        [_emphasised(REPAIRS[method].title), *(cost(rows, method) for rows in shown)]
        for method in COMPARED
    ]


def _lasting(model: str, table: str) -> list[list[str]]:
    return [
        [str(row[first]), *(f"{row[figure]:.2f}" for figure in figures)]
        for row in _rows(f"models/{model}/{table}.csv")
        for first, *figures in [list(row)]
    ]


def _defended(dataset: str) -> dict[tuple[str, str], Row]:
    """The rows of a comparison by attack and what was done to its network."""
    rows = _rows(f"report/attacks-{dataset}/defences.csv")
    return {(row["attack"], row["defence"]): row for row in rows}


def _attacks() -> list[list[str]]:
    left = _defended("gtsrb")
    shown = [TEN_POINTS, REPAIRS["clp"].title, REPAIRS[RECOMMENDED].title]
    rows = []
    for row in _rows("report/attacks-gtsrb/attacks.csv"):
        clean = f"{row['clean_accuracy']:.2f}"
        if not row["rate"]:
            rows.append([row["title"], "", "", "", clean, *[""] * 5])
            continue
        kept = ", kept" if row["labels"] == "clean-label" else ""
        rows.append(
            [
                row["title"],
                f"{row['psnr']:.1f}",
                f"{row['ssim']:.3f}",
                f"{100 * row['rate']:g} %{kept}",
                clean,
                f"{row['clean_cost']:.2f}",
                f"{row['attack_success']:.2f}",
                *(_two(left[row["attack"], defence]) for defence in shown),
            ]
        )
    return rows


def _attacks_on_signs() -> list[list[str]]:
    left = _defended("signs")
    shown = [TEN_POINTS, REPAIRS["clp"].title]
    return [
        [
            row["title"],
            f"{row['clean_accuracy']:.2f}",
            f"{row['clean_cost']:.2f}" if row["rate"] else "",
            f"{row['attack_success']:.2f}" if row["rate"] else "",
            *(_two(left[row["attack"], defence]) if row["rate"] else "" for defence in shown),
        ]
        for row in _rows("report/attacks-signs/attacks.csv")
    ]


def _left_by_the_others() -> list[list[str]]:
    """What the repairs leave that the table of attacks has no room for, in whole percent."""
    left = _defended("gtsrb")
    others = [REPAIRS[name].title for name in COMPARED if name not in ("clp", RECOMMENDED)]

    def after(attack: str, defence: str) -> str:
        row = left[attack, defence]
        two = f"{row['attack_success']:.0f} / {row['recovered_accuracy']:.0f}"
        return _unless_changed(row).strip() or two

    return [
        [row["title"], *(after(row["attack"], defence) for defence in ("As it is", *others))]
        for row in _rows("report/attacks-gtsrb/attacks.csv")
        if row["rate"]
    ]


def _published() -> list[list[str]]:
    """Beside the longest training there is of each."""
    here = {row["attack"]: row for row in _rows("report/attacks-gtsrb/attacks.csv")}
    longer = _rows("report/attacks-gtsrb/longer.csv")
    longest = here | {row["model"].partition("-")[2]: row for row in longer}

    def two(clean: float, attack: float) -> str:
        return f"{clean:.2f} / {attack:.2f}"

    return [
        [
            here[attack]["title"],
            two(*published),
            two(longest[attack]["clean_accuracy"], longest[attack]["attack_success"]),
            f"{longest[attack]['epochs']:g}",
        ]
        for attack, published in PUBLISHED.items()
    ]


def _repairs(model: str, confidence: float = DEFAULT_BUDGET.confidence) -> dict[str, Row]:
    """The rows of a model by the name of their method; "none": as it is."""
    rows = {}
    for row in _rows(f"models/{model}/repairs.csv"):
        method = method_of(row)
        if isinstance(method, BudgetedRepair) and method.confidence == confidence:
            rows[method.name] = row
    card = pd.read_json(PROJECT / "models" / model / "card.json", typ="series")
    return rows | {"none": card["scores"]["test"]}


def _surely(model: str) -> dict[str, Row]:
    return _repairs(model, 95.0)


def _rows(path: str) -> list[Row]:
    return pd.read_csv(PROJECT / path).to_dict("records")


def _two(row: Row) -> str:
    two = f"{row['attack_success']:.1f} / {row['recovered_accuracy']:.1f}"
    return two + _unless_changed(row)


def _three(row: Row) -> str:
    figures = ("clean_accuracy", "attack_success", "recovered_accuracy")
    return " / ".join(f"{row[figure]:.1f}" for figure in figures) + _unless_changed(row)


def _unless_changed(row: Row) -> str:
    return " *" if str(row.get("summary")).startswith("Nothing was changed") else ""


def _emphasised(title: str) -> str:
    return f"**{title}**" if title == REPAIRS[RECOMMENDED].title else title


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
