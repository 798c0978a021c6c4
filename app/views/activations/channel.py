"""One channel of a layer: its map on a clean and on a triggered image, and its top images."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.elements import picture
from app.frame import failures
from engine.defenses.pruning.curve import Curve
from engine.defenses.pruning.orders import ORDERS
from engine.networks.channels import check_channels
from engine.store import StoredModel, pruning_curves

CHANNEL = "channel"
TOP = 6


def choose(order: list[int]) -> int:
    """The channel to inspect: typed here, clicked on a bar, or in the link."""
    known = st.session_state.get(CHANNEL)
    if known is not None and not 0 <= known < len(order):
        st.session_state[CHANNEL] = None
    chosen = st.number_input(
        f"Channel (0 to {len(order) - 1})",
        min_value=0,
        max_value=len(order) - 1,
        value=None,
        placeholder="click a bar, or type",
        key=CHANNEL,
        bind="query-params",
        width=220,
    )
    return order[-1] if chosen is None else int(chosen)


@failures.callback
def select_clicked(chart: str) -> None:
    """Choose the channel clicked on in the chart with that key."""
    clicked = st.session_state[chart].selection.get("clicked", [])
    channel = clicked[0].get("channel") if clicked else None
    if isinstance(channel, int):
        st.session_state[CHANNEL] = channel


def choose_ranks(model: StoredModel, layer: str, count: int) -> pd.Series | None:
    """A control for the pruning order to draw over the bars.

    Args:
        model: the model in use.
        layer: whose channels are shown.
        count: of its channels.

    Returns:
        Pruning ranks, see `pruning_ranks`; None to draw no order.
    """
    known = [
        order
        for convolution, order in pruning_curves.stored_curves(model)
        if _belongs_to(model, layer, convolution)
    ]
    chosen = st.selectbox(
        "Show pruning order",
        ["none", *known],
        index=1 if known else 0,
        format_func=lambda name: ORDERS[name].title if name in ORDERS else "None",
        key="order-drawn",
        help="Draws each channel's pruning rank over the bars. Offered are the orders whose curve"
        " has been computed for this layer's convolution.",
    )
    for convolution, order in pruning_curves.stored_curves(model):
        if order == chosen and _belongs_to(model, layer, convolution):
            curve = caches.curve(model, convolution, order)
            if curve is not None and len(curve.channels) == count:
                return pruning_ranks(curve)
    return None


def pruning_ranks(curve: Curve) -> pd.Series:
    """Channel -> its place in the pruning order, from 1."""
    return pd.Series(range(1, len(curve.channels) + 1), index=curve.channels)


def _belongs_to(model: StoredModel, layer: str, convolution: str) -> bool:
    """Whether `layer` is the convolution, or comes after it and before the next one."""
    measured = caches.table(model, "activations")
    if measured is None:
        return False
    names = list(dict.fromkeys(measured["layer"]))
    if convolution not in names:
        return False
    convolutions = caches.convolutions(model)
    following = names[names.index(convolution) :]
    later = [place for place, name in enumerate(following[1:], 1) if name in convolutions]
    return layer in (following[: later[0]] if later else following)


def show_maps(model: StoredModel, chosen: ChosenImage, layer: str, channel: int) -> None:
    """The channel's map on the chosen image, clean and triggered, on one scale."""
    both = caches.layer_outputs(model, chosen, layer)
    check_channels(layer, both.shape[-1], np.array([channel]))
    values = both[..., channel]
    low, high = float(values.min()), float(values.max())
    with st.container(horizontal=True):
        for kind, image, found in zip(
            ("clean", "triggered"), caches.pair(chosen, model.card.trigger), values, strict=True
        ):
            with st.container(width="stretch"):
                picture.show(image, f"{kind.capitalize()}: {chosen.name}")
            with st.container(width="stretch"):
                picture.show(
                    apply_viridis(found, low, high),
                    f"Channel {channel} on the {kind} image: mean {found.mean():.2f},"
                    f" largest {found.max():.2f}",
                )
    st.caption(f"Both maps share one colour scale: dark {low:.2f}, bright yellow {high:.2f}.")


def apply_viridis(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """A map [height, width] in viridis, from `low` to `high`: uint8 [height, width, 3]."""
    reach = (high - low) or 1.0
    grey = np.clip(255 * (values - low) / reach, 0, 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)[..., ::-1])


def show_top_images(model: StoredModel, dataset: str, layer: str, channel: int) -> None:
    """The clean test images with the channel's largest mean activations."""
    card = model.card
    indices, means = caches.mean_activations(model, dataset, layer)
    best = np.argsort(-means[:, channel], kind="stable")[:TOP]
    test = caches.test_images(dataset, card.image_shape[0])
    st.markdown(
        f"Of {len(indices)} clean test images sampled across the dataset, channel **{channel}**"
        " responds most to these:"
    )
    with st.container(horizontal=True):
        for place in best:
            index = int(indices[place])
            name = card.class_names[int(test.labels[index])]
            with st.container(width=150):
                picture.show(test.images[index], f"{name}: mean {means[place, channel]:.2f}", 150)
