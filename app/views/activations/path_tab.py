"""How far the triggered signal departs from the clean one on its way through the network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from app import caches
from app.charts import activation_charts
from app.chosen_image import ChosenImage
from app.elements import chart_view
from app.views.activations import channel, layer_choice
from engine.core import markdown
from engine.defenses.activations import distance_by_layer, rank_changed_channels
from engine.store import StoredModel

IMAGE = "image"  # the row before the first layer
HARDLY = 0.01  # a cosine distance that is next to nothing
MOST = 3  # channels shown of a layer
_CHART = "path"


def show(model: StoredModel, image: ChosenImage, layers: list[str], layer: str) -> None:
    """The path and, beside it, the channels of `layer`, one of `layers`, that differ most."""
    outputs = caches.outputs_by_layer(model, image)
    last = list(outputs)[-1]
    shown = {name: values for name, values in outputs.items() if name in {*layers, last}}
    pair = np.stack(caches.pair(image, model.card.trigger))
    path = distance_by_layer({IMAGE: pair, **shown})
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _show_chart(model, path.assign(chosen=layer), layers)
        st.caption(
            f"{describe(path, outputs[last], model.card.class_names)} Click a layer to see which of"
            " its channels differ."
        )
    with right:
        st.markdown(describe_layer(path, layer))
        if layer in outputs:
            _show_channels(image, pair, outputs[layer])


def describe(path: pd.DataFrame, output: np.ndarray, class_names: Sequence[str]) -> str:
    """Where the two signals part, and what becomes of it, the finding first.

    Args:
        path: see `distance_by_layer`; the first row is the image, the last the output.
        output: of the last layer, [2, ...].
        class_names: of the model.
    """
    text = f"{_where_they_part(path.iloc[:-1])} The two images themselves differ by"
    text += f" {path['distance'].iloc[0]:.4f}."
    if output.shape[1:] != (len(class_names),):
        return text
    clean, triggered = (markdown.escape(class_names[best]) for best in output.argmax(axis=1))
    if clean == triggered:
        return f"{text} The network says {clean} for both."
    return (
        f"{text} In the end the network says {clean} for the clean image and {triggered} for the"
        " triggered one."
    )


def _where_they_part(path: pd.DataFrame) -> str:
    """Where the distance rises most, the output left out: that only says what is decided."""
    if path["distance"].max() < HARDLY:
        return f"**The signals hardly part:** the distance is at most {path['distance'].max():.4f}."
    most = int(path["distance"].diff().fillna(0.0).idxmax())
    before, after = path["distance"].iloc[[max(most - 1, 0), most]]
    return (
        f"**Inside the network the signals part most at {path['layer'].iloc[most]}:** the distance"
        f" goes from {before:.3f} to {after:.3f}."
    )


def describe_layer(path: pd.DataFrame, layer: str) -> str:
    """The distance at a layer and before it."""
    places = path.index[path["layer"] == layer]
    if not len(places):
        return f"**{layer}**"
    distance = path["distance"].iloc[places[0]]
    before = path.iloc[places[0] - 1]
    return (
        f"**{layer}: distance {distance:.3f}**, after {before['distance']:.3f} at"
        f" {before['layer']}. These channels differ most:"
    )


def _show_chart(model: StoredModel, path: pd.DataFrame, layers: list[str]) -> None:
    def draw() -> activation_charts.alt.LayerChart:
        return activation_charts.signal_path(path)

    spec = caches.chart_spec((*caches.version(model), len(path), "path"), draw)
    chart_view.show_spec(
        chart_view.with_rows(spec, path),
        draw,
        path.drop(columns="chosen"),
        _CHART,
        "Cosine distance between the signals of the clean and the triggered image, from layer to"
        f" layer: at most {path['distance'].max():.3f}.",
        on_select=partial(layer_choice.select_clicked, _CHART, layers),
        selection_mode="clicked",
    )


def _show_channels(image: ChosenImage, pair: np.ndarray, outputs: np.ndarray) -> None:
    """The image above its triggered copy and, in the same way, the maps of the changed channels."""
    most = [int(number) for number in rank_changed_channels(outputs)[:MOST]]
    for place, kind in enumerate(("clean", "triggered")):
        first, *rest = channel.picture_row(1 + len(most), f"path-{kind}")
        with first:
            channel.show_image(pair[place], kind, image.name)
        for column, number in zip(rest, most, strict=True):
            scale = channel.value_range(outputs[..., number])
            with column:
                channel.show_map(
                    outputs[place, ..., number], scale, f"Channel {number} on the {kind} image"
                )
    numbers = ", ".join(f"{number}" for number in most)
    st.caption(f"From left to right: channels {numbers}. Each channel's two maps share one scale.")
