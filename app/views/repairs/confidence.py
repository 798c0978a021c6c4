"""The confidence at which repairs were tried: a control, and the rows that belong to it."""

from __future__ import annotations

import streamlit as st

from app import caches
from engine.defenses.repairs.accuracy_budget import DEFAULT_BUDGET
from engine.defenses.repairs.repair import BudgetedRepair
from engine.experiments import repair_tables
from engine.store import StoredModel

CONFIDENCE = "repairs-confidence"  # key of the control
CONFIDENCES = {DEFAULT_BUDGET.confidence: "As measured", 95.0: "95 %"}


def choose_confidence(model: StoredModel) -> float:
    """A control for the confidence, in percent, that clean accuracy drops no further than allowed.

    Offered are the usual values and those of repairs already tried.
    """
    tried = {
        method.confidence
        for method in repair_tables.budgeted(caches.repairs.compared(model))
        if method
    }
    chosen: float = st.segmented_control(
        "Confidence in the accuracy limit",
        sorted({*CONFIDENCES, *tried}),
        default=DEFAULT_BUDGET.confidence,
        required=True,
        format_func=lambda confidence: CONFIDENCES.get(confidence, f"{confidence:g} %"),
        help=BudgetedRepair.parameters()["confidence"].help,
        key=CONFIDENCE,
        bind="query-params",
    )
    return chosen
