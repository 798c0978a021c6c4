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
    measured = caches.table(model, "activations")
    if measured is not None:
        return list(dict.fromkeys(measured["layer"]))
    try:
        return caches.layers_with_maps(model)
    except UserError:  # a network that only TensorFlow can run
        return []


def choose(layers: list[str]) -> str:
    """A control for one of `layers`; the last is the one whose channels the paper prunes."""
    chosen: str = st.selectbox(
        "Layer",
        layers,
        index=len(layers) - 1,
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


def convolution_of(model: StoredModel, layer: str, layers: list[str]) -> str | None:
    """The last convolution up to `layer`, whose channels the layer has; None without one."""
    convolutions = caches.convolutions(model)
    before = [name for name in layers[: layers.index(layer) + 1] if name in convolutions]
    return before[-1] if before else None
