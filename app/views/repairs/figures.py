"""All figures of all repairs as a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.elements import scores
from engine.defenses.repairs.accuracy_budget import DEFAULT_BUDGET
from engine.evaluation import metrics
from engine.store import StoredModel


def show_figures(model: StoredModel, table: pd.DataFrame) -> None:
    """The table; see `repair_tables.compare_stored`."""
    measured = metrics.known_figures(table)
    figures = [*measured, *(["der"] if "der" in table else [])]
    st.dataframe(
        table[["title", *figures, "channels", "seconds", "needs", "summary", "problem"]],
        hide_index=True,
        height="content",
        placeholder="",
        alt="The same metrics as a table, with what each repair did and needs",
        column_config={
            "title": st.column_config.TextColumn("Repair", pinned=True),
            **scores.columns(model.card, **dict.fromkeys(measured, "%.2f"), der="%.3f"),
            "channels": st.column_config.NumberColumn("Channels pruned"),
            "seconds": st.column_config.NumberColumn("Seconds", format="%.0f"),
            "needs": "Clean images needed",
            "summary": "What was done",
            "problem": "Why it failed",
        },
    )
    st.caption(
        "Each repair gets only the network and clean validation images. Unless its title says"
        " otherwise, it has the greatest strength at which validation accuracy drops by at most"
        f" {DEFAULT_BUDGET.points:g} percentage point; what is learned from one half of the images"
        " is checked on the other. All figures come from held-out test images."
        f"{scores.say_ceiling(model.card, caches.repairs.recovery_ceiling(model))}"
    )
