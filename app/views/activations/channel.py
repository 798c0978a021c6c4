"""One channel of a layer: its map on a clean and on a triggered image, and its top images."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import caches
from app.chosen_image import ChosenImage
from app.elements import picture
from app.frame import failures
from engine.defenses.activations import cosine_distance
from engine.imaging.render import apply_viridis
from engine.networks.channels import check_channels
from engine.store import StoredModel

CHANNEL = "channel"
TOP = 6
_SIDE, _TOP_SIDE = 216, 144  # sides of the pictures sent, pixels: twice those on the page
_STYLE = (
    # Streamlit would put each column of a phone into a line of its own.
    "<style>[class*=st-key-pictures-] [data-testid=stHorizontalBlock] {flex-wrap: nowrap}"
    "[class*=st-key-pictures-] [data-testid=stColumn] {min-width: 0; flex: 1 1 0}</style>"
)


def choose(count: int, usual: int, why: str) -> int:
    """The channel to inspect, of `count`: typed here, clicked in the chart, or in the link.

    Args:
        count: of the layer's channels.
        usual: the channel without a choice.
        why: what is special about that one: "the trigger raises most".
    """
    known = st.session_state.get(CHANNEL)
    if known is not None and not 0 <= known < count:
        st.session_state[CHANNEL] = None
    chosen = st.number_input(
        f"Channel (0 to {count - 1})",
        min_value=0,
        max_value=count - 1,
        value=None,
        placeholder=f"{usual}",
        key=CHANNEL,
        bind="query-params",
        help="Click a channel in the chart, or type its number. Without a choice, it is the one"
        f" that {why}.",
        width=150,
    )
    return usual if chosen is None else int(chosen)


@failures.callback
def select_clicked(chart: str) -> None:
    """Choose the channel clicked on in the chart with that key."""
    clicked = st.session_state[chart].selection.get("clicked", [])
    channel = clicked[0].get("channel") if clicked else None
    if isinstance(channel, int):
        st.session_state[CHANNEL] = channel


def show_maps(model: StoredModel, chosen: ChosenImage, layer: str, channel: int) -> None:
    """The channel's map on the chosen image, clean and triggered, on one scale."""
    outputs = caches.predictions.layer_outputs(model, chosen, layer)
    check_channels(layer, outputs.shape[-1], np.array([channel]))
    values, images = outputs[..., channel], caches.shown_images.variants(chosen, model.card.trigger)
    columns = picture_row(4, "maps")
    for place, image in enumerate(images):
        kind = ("clean", "triggered")[place]
        with columns[2 * place]:
            show_image(image, kind, chosen.name)
        with columns[2 * place + 1]:
            name = f"Channel {channel} on the {kind} image"
            show_map(values[place], value_range(values), name)
    low, high = value_range(values)
    departs = ""
    if len(outputs) > 1:
        departs = (
            f" On this image the output of {layer} departs from the clean one by a cosine distance"
            f" of **{cosine_distance(outputs[0], outputs[1]):.3f}**."
        )
    st.caption(f"Dark {low:.2f}, yellow {high:.2f}.{departs}")


def picture_row(count: int, key: str) -> list[DeltaGenerator]:
    """Columns for `count` small pictures in one row, on a phone too."""
    with st.container(key=f"pictures-{key}"):
        st.html(_STYLE)
        return st.columns(count, gap="xsmall")


def show_image(image: np.ndarray, kind: str, name: str) -> None:
    """The clean or the triggered image, uint8 [height, width, 3], small."""
    picture.show(image, kind.capitalize(), _SIDE, f"{kind.capitalize()}: {name}")


def show_map(values: np.ndarray, scale: tuple[float, float], name: str) -> None:
    """A channel's map [height, width], small, with its mean.

    Args:
        values: the channel's output.
        scale: the values shown darkest and brightest.
        name: of the map, for screen readers.
    """
    picture.show(
        apply_viridis(values, *scale),
        f"Mean {values.mean():.2f}",
        _SIDE,
        f"{name}: mean {values.mean():.2f}, largest {values.max():.2f}",
    )


def value_range(values: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value, for maps that share one scale."""
    return float(values.min()), float(values.max())


def show_top_images(model: StoredModel, dataset: str, layer: str, channel: int) -> None:
    """The clean test images with the channel's largest mean activations."""
    card = model.card
    indices, means = caches.predictions.mean_activations(model, dataset, layer)
    best = np.argsort(-means[:, channel], kind="stable")[:TOP]
    test = caches.dataset_images.test_images(dataset, card.image_shape[0])
    st.markdown(
        f"Of {len(indices)} clean test images, channel **{channel}** responds most to these:"
    )
    for column, place in zip(picture_row(TOP, "top"), best, strict=False):
        index = int(indices[place])
        name = card.class_names[int(test.labels[index])]
        mean = f"{means[place, channel]:.2f}"
        with column:
            picture.show(test.images[index], mean, _TOP_SIDE, f"{name}: mean {mean}")
