"""The result files that the documents quote."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pandas as pd

from engine import store
from engine.core.paths import PROJECT
from engine.defenses.repairs import compared_repairs
from engine.experiments import recovery_ceiling

Row = dict[str, Any]
METRICS = ("clean_accuracy", "attack_success", "recovered_accuracy")
AS_MEASURED = 50.0  # percent: the confidence of a repair that was not asked for any
TEN_POINTS = "Pruning, as in the paper: 10 points"


@cache
def rows(path: str) -> list[Row]:
    """The rows of a CSV file; its path from the project's root."""
    return pd.read_csv(PROJECT / path).to_dict("records")


@cache
def card(model: str) -> Row:
    """A shipped model's card."""
    return json.loads((PROJECT / "models" / model / "card.json").read_text("utf-8"))


def scores(model: str) -> Row:
    """A shipped model's scores on test images."""
    return card(model)["scores"]["test"]


def by(column: str, found: list[Row]) -> dict[str, Row]:
    """Rows by the value in a column."""
    return {row[column]: row for row in found}


def repairs_of(model: str, confidence: float = AS_MEASURED) -> dict[str, Row]:
    """The repairs tried on a model, by method; "none" is the model before them."""
    found = {}
    for row in rows(f"models/{model}/repairs.csv"):
        name, _, settings = row["method"].partition(":")
        asked = re.search(r"confidence=([\d.]+)", settings)
        if (float(asked[1]) if asked else AS_MEASURED) == confidence:
            found[name] = row
    return found | {"none": scores(model)}


def measured_repairs() -> tuple[str, ...]:
    """The compared repairs that the shipped tables have figures of."""
    measured = repairs_of("gtsrb-ftrojan")
    return tuple(name for name in compared_repairs() if name in measured)


def defended(dataset: str) -> dict[tuple[str, str], Row]:
    """The rows of an attack benchmark, by attack and defense."""
    found = rows(f"report/attacks-{dataset}/defences.csv")
    return {(row["attack"], row["defence"]): row for row in found}


def unchanged(row: Row) -> bool:
    """Whether a repair left the network as it was."""
    return str(row.get("summary")).startswith("Nothing was changed")


@cache
def ceiling(model: str) -> float | None:
    """The ceiling of a shipped model's recovered accuracy, percent; None if it is not known."""
    return recovery_ceiling.find(store.find(model))


def of_ceiling(row: Row) -> str:
    """What is recovered of the ceiling in whole percent, ``(95)``; empty if that is not known."""
    share = row.get("recovered_of_ceiling")
    return "" if share is None or pd.isna(share) else f" ({share:.0f})"


def figures(row: Row, names: tuple[str, ...] = METRICS, digits: int = 1) -> str:
    """Metrics in percent, ``97.0 / 0.1 / 96.6 (99)``; with * where nothing was changed.

    In brackets stands what is recovered of the ceiling, if the row has that.
    """
    text = " / ".join(f"{row[name]:.{digits}f}" for name in names) + of_ceiling(row)
    return f"{text} *" if unchanged(row) else text
