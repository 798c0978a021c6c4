"""How far the triggered signal departs from the clean one on its way through the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from engine.networks import layer_graph
from engine.networks.numpy_inference import Network
from engine.store import StoredModel

IMAGE = "image"  # the row before the first layer
HARDLY = 0.01  # a cosine distance that is next to nothing
MOST = 3  # channels shown of a layer
_CHART = "path"


def show(model: StoredModel, image: ChosenImage, layers: list[str], layer: str) -> None:
    """The path and, beside it, the channels of `layer`, one of `layers`, that differ most."""
    outputs = caches.predictions.outputs_by_layer(model, image)
    last = list(outputs)[-1]
    shown = {name: values for name, values in outputs.items() if name in {*layers, last}}
    pair = np.stack(caches.shown_images.pair(image, model.card.trigger))
    path = trace(caches.predictions.network(model), {IMAGE: pair, **shown})
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _show_chart(model, path.assign(chosen=layer), layers)
        st.caption(
            f"{describe(path, outputs[last], model.card.class_names)}{describe_lines(path)} Click a"
            " layer to see which of its channels differ."
        )
    with right:
        st.markdown(describe_layer(path, layer))
        if layer in outputs:
            _show_channels(image, pair, outputs[layer])


def trace(network: Network, outputs: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """How far the two signals are apart along the way.

    Args:
        network: the network.
        outputs: name of a layer, or `IMAGE` -> its output for both images, [2, ...].

    Returns:
        A row a layer, in the order of `outputs`: layer, distance, sources (a tuple: the layers
        among them from which its values come) and before (the largest distance of these; missing
        for the image).
    """
    path = distance_by_layer(outputs)
    named = {name: name for name in outputs} | {network.input: IMAGE}
    given = [network.input, *list(outputs)[1:]]
    sources = layer_graph.sources_among(network.layers, given)
    taken = [tuple(named[name] for name in sources.get(layer, ())) for layer in path["layer"]]
    distance = dict(zip(path["layer"], path["distance"], strict=True))
    before = [max((distance[name] for name in names), default=np.nan) for names in taken]
    return path.assign(sources=taken, before=before)


def describe(path: pd.DataFrame, output: np.ndarray, class_names: Sequence[str]) -> str:
    """Where the two signals part, and what becomes of it, the finding first.

    Args:
        path: see `trace`; the first row is the image, the last the output.
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
    most = path.loc[(path["distance"] - path["before"]).fillna(0.0).idxmax()]
    return (
        f"**Inside the network the signals part most at {most['layer']}:** the distance goes from"
        f" {most['before']:.3f} to {most['distance']:.3f}."
    )


def describe_lines(path: pd.DataFrame) -> str:
    """What the lines mean, where they are more than one behind the other."""
    if (path["sources"].map(len) < 2).all():
        return ""
    return (
        " Layers stand in the order of the network; a line leads from each to those that take its"
        " output, and where several end, branches join."
    )


def describe_layer(path: pd.DataFrame, layer: str) -> str:
    """The distance at a layer and before it."""
    distance = dict(zip(path["layer"], path["distance"], strict=True))
    if layer not in distance:
        return f"**{layer}**"
    (sources,) = path["sources"][path["layer"] == layer]
    before = " and ".join(f"{distance[name]:.3f} at {name}" for name in sources)
    joins = ", where these join" if len(sources) > 1 else ""
    return (
        f"**{layer}: distance {distance[layer]:.3f}**, after {before}{joins}. These channels differ"
        " most:"
    )


def _show_chart(model: StoredModel, path: pd.DataFrame, layers: list[str]) -> None:
    rows = path.drop(columns="before").explode("sources").rename(columns={"sources": "source"})
    distance = path.set_index("layer")["distance"]
    rows = rows.assign(source_distance=rows["source"].map(distance)).reset_index(drop=True)

    def draw() -> activation_charts.alt.LayerChart:
        return activation_charts.signal_path(rows)

    spec = caches.charts.chart_spec((*caches.models.version(model), len(rows), "path"), draw)
    chart_view.show_spec(
        chart_view.with_rows(spec, rows),
        draw,
        rows.drop(columns="chosen"),
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
