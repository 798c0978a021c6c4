"""The pruning curves of both networks in one chart."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.charts import compare_charts
from app.elements import chart_view
from app.frame.pages import PAGES
from app.views.compare.network_choice import Network
from engine.store import pruning_curves


def show(both: tuple[Network, Network]) -> None:
    """Both curves as far as they have been computed."""
    tables = {}
    for network in both:
        for layer, order in pruning_curves.stored_curves(network.stored)[:1]:
            curve = caches.models.curve(network.stored, layer, order)
            if curve is not None and network.curve is None:
                tables[network.title] = curve.test
    if not tables:
        st.info("Neither network has a pruning curve yet.")
        PAGES["pruning"].link("Compute one on the page Pruning")
        return
    if len(tables) < len(both):
        st.caption("Only one of the two has a pruning curve of its own.")
    chart_view.show(
        compare_charts.curves(tables),
        pd.concat([table.assign(network=title) for title, table in tables.items()]),
        "curves-compared",
        "The metrics against the share of channels pruned, for " + " and ".join(tables),
    )
