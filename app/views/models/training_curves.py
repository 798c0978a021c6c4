"""The course of a training: clean accuracy and attack success, and the loss."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.charts import training_charts
from app.elements import chart_view
from engine.core.jobs import Status
from engine.training.interim_metrics import INTERIM_IMAGES


def show(table: pd.DataFrame, name: str, when: str) -> None:
    """Both charts.

    Args:
        table: rows with epoch, loss, clean_accuracy and attack_success (percent).
        name: prefix of the charts' names.
        when: the metrics were measured, for the text alternatives.
    """
    left, right = st.columns(2)
    with left:
        chart_view.show(
            training_charts.history(table),
            table,
            f"{name}-accuracy",
            f"Clean accuracy and attack success, {when}.",
        )
    with right:
        chart_view.show(
            training_charts.losses(table), table, f"{name}-loss", f"Training loss, {when}."
        )


def show_so_far(name: str, status: Status) -> None:
    """The metrics so far of the running training `name`."""
    interim_metrics = status.table(
        "interim_metrics", ["epoch", "loss", "clean_accuracy", "attack_success"]
    )
    if interim_metrics is None:
        return
    show(interim_metrics, name, "so far, on a few validation images")
    st.caption(
        f"Measured on {INTERIM_IMAGES} validation images, clean and triggered. A network often"
        " learns the clean images first and then, quite suddenly, the trigger."
    )
