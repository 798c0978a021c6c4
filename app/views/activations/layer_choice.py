"""The layer that the page looks into: one setting for all its tabs."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.frame import failures
from engine.core.errors import UserError
from engine.store import StoredModel

LAYER = "layer"


def layers_of(model: StoredModel) -> list[str]:
    """Layers with channels: those measured, else those of the network; none if it is unknown."""
    measured = caches.models.table(model, "activations")
    if measured is not None:
        return list(dict.fromkeys(measured["layer"]))
    try:
        return caches.predictions.layers_with_maps(model)
    except UserError:  # a network that only TensorFlow can run
        return []


def choose(model: StoredModel, layers: list[str]) -> str:
    """A control for one of `layers`; first chosen is the last whose channels pruning removes."""
    prunable = [name for name in layers if convolution_of(model, name)]
    chosen: str = st.selectbox(
        "Layer",
        layers,
        index=layers.index((prunable or layers)[-1]),
        key=LAYER,
        bind="query-params",
        help="The paper looks at the last pooling layer: its channels are those that pruning"
        " removes.",
    )
    return chosen


@failures.callback
def select_clicked(chart: str, layers: list[str]) -> None:
    """Choose the layer clicked on in the chart with that key, if it is one of `layers`."""
    clicked = st.session_state[chart].selection.get("clicked", [])
    layer = clicked[0].get("layer") if clicked else None
    if layer in layers:
        st.session_state[LAYER] = layer


def convolution_of(model: StoredModel, layer: str) -> str | None:
    """The convolution that can be pruned and whose channels `layer` has; None without one."""
    blocks = caches.models.channel_blocks(model)
    return next((name for name in caches.models.convolutions(model) if layer in blocks[name]), None)
