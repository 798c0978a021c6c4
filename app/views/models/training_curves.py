"""The course of a training: clean accuracy and attack success, and the loss."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.charts import training_charts
from app.elements import chart_view


def show(table: pd.DataFrame, name: str, when: str, epochs: float | None = None) -> None:
    """Both charts, side by side.

    Args:
        table: rows with epoch, loss, clean_accuracy and attack_success (percent); may be empty.
        name: prefix of the charts' names.
        when: the metrics were measured, for the text alternatives.
        epochs: where the horizontal axes end; None: at the last row.
    """
    left, right = st.columns([1.2, 1])
    with left:
        chart_view.show(
            training_charts.history(table, epochs),
            table,
            f"{name}-accuracy",
            f"Clean accuracy and attack success, {when}.",
        )
    with right:
        chart_view.show(
            training_charts.losses(table, epochs), table, f"{name}-loss", f"Training loss, {when}."
        )
