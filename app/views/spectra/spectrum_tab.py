"""The spectrum of clean and of triggered images, the difference, and both as lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from app import caches
from app.charts import spectra_charts
from app.chosen_image import ChosenImage
from app.elements import chart_view
from app.forms import image_chooser
from engine.imaging.dct import radial_profile, transform
from engine.reporting import export
from engine.store import ModelCard

MANY = 1000
ONE_IMAGE, MEAN = "One image", f"Mean of {MANY:,} images"
CHANNELS = {
    "Y": "Y: brightness",
    "U": "U: blue difference",
    "V": "V: red difference",
}


@dataclass(frozen=True)
class Spectra:
    """Magnitudes of the DCT coefficients of one channel.

    Attributes:
        channel: "Y", "U" or "V".
        clean: [height, width].
        triggered: of the same shape; None where no trigger is known.
        bands: (row, column) of the trigger's own bands; empty for a trigger that has none.
        images: how many the magnitudes are means of.
        key: what they were computed from, for the cache.
    """

    channel: str
    clean: np.ndarray
    triggered: np.ndarray | None
    bands: list[tuple[int, int]]
    images: int
    key: tuple[str | int, ...]

    @property
    def maps(self) -> dict[str, np.ndarray]:
        """Title of each map -> its values: [height, width] each."""
        if self.triggered is None:
            return {"Clean": self.clean}
        change = np.abs(self.triggered - self.clean)
        return {"Clean": self.clean, "Triggered": self.triggered, "Difference": change}

    @property
    def largest(self) -> float:
        """The upper end of the maps' scale."""
        return float(max(values.max() for values in self.maps.values()))


def choose(dataset: str) -> tuple[bool, str]:
    """The tab's controls: whether to show the mean of many images, and the channel."""
    known = [ONE_IMAGE, MEAN] if image_chooser.images_available(dataset) else [ONE_IMAGE]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        view: str = st.segmented_control(
            "Spectrum of", known, default=known[-1], required=True, key="of", bind="query-params"
        )
        channel: str = st.segmented_control(
            "Channel",
            list(CHANNELS),
            default="U",
            required=True,
            format_func=CHANNELS.__getitem__,
            key="plane",
            bind="query-params",
            help="The eye sees fine detail well in brightness (Y) and hardly at all in colour"
            " (U and V).",
        )
    return view == MEAN, channel


def compute(
    card: ModelCard, dataset: str, image: ChosenImage, of_many: bool, channel: str
) -> Spectra:
    """The spectra of the chosen image, or the mean of many, for one channel."""
    if of_many:
        size = card.image_shape[0]
        found = caches.dataset_images.mean_spectra(dataset, size, MANY, card.trigger)
        images = min(MANY, len(caches.dataset_images.test_images(dataset, size).images))
        key: tuple[str | int, ...] = (dataset, size, card.trigger)
    else:
        found = list(np.abs(transform(caches.shown_images.variants(image, card.trigger))))
        images, key = 1, (*image.key, card.trigger)
    plane = list(CHANNELS).index(channel)
    bands = [] if card.backdoor is None else list(getattr(card.backdoor.trigger, "bands", ()))
    clean, triggered = found[0][plane], found[1][plane] if len(found) > 1 else None
    return Spectra(channel, clean, triggered, bands, images, (*key, images, channel))


def show(spectra: Spectra) -> None:
    """The maps on one scale and, in the same row, the radial profiles."""
    top = spectra.largest
    *columns, last = st.columns(4, gap="small")
    if spectra.triggered is None:
        last = columns[1]  # beside the only map
    for column, (title, values) in zip(columns, spectra.maps.items(), strict=False):
        with column:
            st.header(title)
            draw = partial(
                spectra_charts.spectrum, values, spectra.bands, top, spectra.images, False
            )
            _show_cached(
                draw,
                (*spectra.key, title),
                pd.DataFrame(values),
                f"spectrum-{title.lower()}",
                f"{title}: magnitudes of the DCT coefficients of {spectra.channel}, up to"
                f" {values.max():.1f}.",
            )
    with last:
        st.header("Coarse to fine")
        _show_profiles(spectra)
    st.caption(describe(spectra))


def describe(spectra: Spectra) -> str:
    """What the trigger changes most, and how to read the maps, as Markdown."""
    finding = _describe_change(spectra)
    framed = " and ".join(f"({row}, {column})" for row, column in spectra.bands)
    return (
        f"{finding} An image is a sum of waves, from coarse (upper left) to fine (lower right). The"
        f" maps share one logarithmic scale: dark 0, yellow {spectra.largest:,.0f} grey levels."
        " Dotted: where mid and high frequencies begin."
        + (
            f" Framed, and dashed under Coarse to fine: the trigger's bands {framed}."
            if framed
            else ""
        )
    )


def _describe_change(spectra: Spectra) -> str:
    if spectra.triggered is None:
        return "**What a trigger changes is not known, because no trigger is.**"
    change = spectra.maps["Difference"]
    row, column = np.unravel_index(change.argmax(), change.shape)
    before, after = spectra.clean[row, column], spectra.triggered[row, column]
    if before == after:
        return f"**The trigger does not change channel {spectra.channel}.**"
    return (
        f"**The trigger changes {spectra.channel} most at band ({row}, {column}):** the magnitude"
        f" there goes from {before:.1f} to {after:.1f} grey levels."
    )


def _show_profiles(spectra: Spectra) -> None:
    images = {"clean": spectra.clean, "triggered": spectra.triggered}
    profiles = {kind: radial_profile(part) for kind, part in images.items() if part is not None}
    rings = [round(math.hypot(*band)) for band in spectra.bands]
    draw = partial(spectra_charts.radial_profile, profiles, rings, spectra.images)
    _show_cached(
        draw,
        (*spectra.key, "profile"),
        pd.DataFrame(profiles),
        "radial-profile",
        f"Mean magnitude of the DCT coefficients of {spectra.channel} against the distance from the"
        f" upper left corner, {' and '.join(profiles)}.",
    )


def _show_cached(
    draw: Callable[[], export.Chart],
    key: tuple[str | int, ...],
    data: pd.DataFrame,
    name: str,
    alternative: str,
) -> None:
    chart_view.show_spec(caches.charts.chart_spec(key, draw), draw, data, name, alternative)
