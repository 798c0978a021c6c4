"""The confidence at which repairs were tried: a control, and the rows that belong to it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from engine.defenses.repairs.accuracy_budget import DEFAULT_BUDGET
from engine.defenses.repairs.repair import BudgetedRepair
from engine.experiments import repair_tables
from engine.store import StoredModel

CONFIDENCES = {DEFAULT_BUDGET.confidence: "As measured", 95.0: "95 %"}


def choose_confidence(model: StoredModel) -> float:
    """A control for the confidence, in percent, that clean accuracy drops no further than allowed.

    Offered are the usual values and those of repairs already tried.
    """
    tried = {method.confidence for method in _find_methods(caches.repairs(model)) if method}
    chosen: float = st.segmented_control(
        "Confidence in the accuracy limit",
        sorted({*CONFIDENCES, *tried}),
        default=DEFAULT_BUDGET.confidence,
        required=True,
        format_func=lambda confidence: CONFIDENCES.get(confidence, f"{confidence:g} %"),
        help=BudgetedRepair.parameters()["confidence"].help,
        key="repairs-confidence",
        bind="query-params",
    )
    return chosen


def _find_methods(table: pd.DataFrame) -> list[BudgetedRepair | None]:
    """The repair of each row; None if its strength is not chosen by an accuracy limit."""
    found = map(repair_tables.method_of, table.to_dict("records"))
    return [method if isinstance(method, BudgetedRepair) else None for method in found]


def select_confidence(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The rows of that confidence, left out of their titles, and the rows without any."""
    methods = _find_methods(table)
    titles = [
        repair_tables.describe(method, {"confidence"}) if method else title
        for method, title in zip(methods, table["title"], strict=True)
    ]
    selected = [method is None or method.confidence == confidence for method in methods]
    return table.assign(title=titles)[selected]
