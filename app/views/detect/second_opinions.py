"""What else speaks for or against a backdoor, beside the scan."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.charts import detection_charts
from app.elements import chart_view
from engine.core import markdown
from engine.core.errors import UserError
from engine.store import StoredModel


def show(model: StoredModel) -> None:
    """Which channels amplify most in their layer, computed from the weights alone."""
    st.subheader("Which channels amplify too much?")
    st.markdown(
        "**The outliers at the top** can carry a trigger: they amplify faint changes far more than"
        " the rest of their layer, by the weights alone. The repair CLP prunes them first. The"
        " verdict does not rest on this."
    )
    try:
        table = caches.models.amplification(model)
    except UserError as error:
        st.info(markdown.escape(error))
        return
    chart_view.show(
        detection_charts.amplification(table),
        table,
        "amplification",
        "How far each channel's amplification lies above its layer's mean, in standard deviations.",
    )
