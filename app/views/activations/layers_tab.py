"""Which layers the trigger changes, over many images."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.charts import activation_charts
from app.elements import chart_view
from engine.defenses.activations import change_by_layer


def show(table: pd.DataFrame, layer: str) -> None:
    """The change of every layer in the activations `table`, one of them highlighted."""
    change = change_by_layer(table)
    chart_view.show(
        activation_charts.change_by_layer(change, layer),
        change,
        "change-by-layer",
        "How much the trigger changes the channels' mean activations in each layer, in percent.",
    )
    st.caption(describe(change))


def describe(change: pd.DataFrame) -> str:
    """Where the trigger changes most, and how that is measured, as Markdown."""
    most = change.loc[change["moved"].fillna(0.0).idxmax()]
    return (
        f"**The trigger changes {most['layer']} most: by {most['moved']:.0f} %.** Shown is the root"
        " mean square change of the channels' means, relative to that of the means on clean images."
        " Where the bars begin to grow, the network begins to respond to the trigger."
    )
