"""What a figure of a sweep is about: the network itself, or something that was tried on it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from engine.core.errors import UserError
from engine.defenses.detectors import parse_detector
from engine.defenses.pruning.orders import DEFAULT_ORDER, find_order
from engine.defenses.repairs import parse_repair
from engine.experiments import repair_tables

SUBJECT = ("pruning", "detector", "repair")  # columns; all empty: the network itself
FIGURE = (*SUBJECT, "figure", "value", "problem")
NETWORK = "As it is"  # the network itself


def pruned_until(order: str, threshold: float) -> str:
    """What stands in the column "pruning": the order, and the drop in points that ends it."""
    return f"{order}:drop={threshold:g}"


def describe(row: Mapping[str, object]) -> str:
    """A subject in words.

    Args:
        row: has the columns `SUBJECT`.
    """
    pruning, detector, repair = (_text(row[name]) for name in SUBJECT)
    if pruning:
        return _describe_pruning(pruning)
    if repair:
        with suppress(UserError):
            return repair_tables.describe(parse_repair(repair))
    if detector:
        with suppress(UserError):
            return parse_detector(detector).title
    return repair or detector or NETWORK  # as text, if it no longer exists


def _describe_pruning(text: str) -> str:
    order, _, drop = text.partition(":drop=")
    title = f"Pruned, −{drop} points" if drop else "Pruned"
    if order == DEFAULT_ORDER:
        return title
    with suppress(UserError):
        return f"{title} ({find_order(order).title})"
    return f"{title} ({order})"


def _text(value: object) -> str:
    """A cell of a table that may have been read from CSV, where empty text is NaN."""
    return value if isinstance(value, str) else ""
