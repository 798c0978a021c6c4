"""Whether the trigger survives image processing, and a backdoor comes back after a repair."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import caches
from app.elements import job_panel, scores
from app.forms import image_chooser
from engine.core import jobs
from engine.evaluation import metrics
from engine.experiments import recovery_ceiling
from engine.store import StoredModel


def show_persistence(model: StoredModel, repaired: StoredModel | None) -> None:
    """Whether the trigger survives image processing, and the backdoor comes back after a repair."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Does the trigger survive JPEG?")
        _show_study(
            model,
            "robustness",
            "robustness",
            {"transform": "Image processing"},
            "Test the trigger",
            "Saves, compresses and resizes all test images; takes two minutes.",
        )
    with right:
        st.subheader("Does the backdoor come back?")
        if repaired is None:
            st.info("There is no repaired copy to test yet: try the recommended repair.")
            return
        _show_study(
            repaired,
            "reactivation",
            "reactivate",
            {"epochs": st.column_config.NumberColumn("Epochs on clean images")},
            "Continue training",
            "Trains the repaired network further, on clean images; takes two minutes.",
        )


def _show_study(
    stored: StoredModel, table_name: str, command: str, first: dict[str, Any], label: str, help: str
) -> None:
    """The table of a study, or a button to run it.

    Args:
        stored: the model studied.
        table_name: of the table in the model's folder.
        command: the subcommand that computes it.
        first: the heading of the table's first column.
        label, help: of the button.
    """
    table = caches.table(stored, table_name)
    if table is not None:
        if table_name == "reactivation":  # the triggered images are those of the ceiling
            table = recovery_ceiling.add_share(table, caches.recovery_ceiling(stored))
        figures = metrics.known_figures(table)
        measured = scores.columns(stored.card, **dict.fromkeys(figures, "%.2f"))
        st.dataframe(table, hide_index=True, column_config={**first, **measured})
        return
    st.info("Not measured yet.")
    job_name = jobs.name_of(command, stored.name)
    if stored.name in caches.model_names() and image_chooser.images_available(stored.card.dataset):
        job_panel.start_button(label, job_name, [command, stored.name], help)
        job_panel.watch(job_name)
    elif stored.name not in caches.model_names():
        st.caption("Save the repaired copy as a model above, then select it to measure this.")
