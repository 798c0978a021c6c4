"""Step 3: where the trigger hides in the spectrum."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.forms import image_chooser
from app.views.spectra.spectrum_tab import MANY, MEAN, ONE_IMAGE
from app.views.tour import charts, drawing
from app.views.tour.scene import Scene
from engine.imaging.dct import transform
from engine.imaging.render import amplify_difference, enlarge

_GAIN = 8


def show(scene: Scene) -> None:
    """The change of the spectrum, for one image or in the mean of many."""
    bands = list(getattr(scene.card.known_backdoor().trigger, "bands", ()))
    height, width, _ = scene.card.image_shape
    drawing.headline(
        f"The trigger hides in {len(bands)} of {height * width:,} waves"
        if bands
        else "The trigger leaves its mark in the spectrum",
        "An image is a sum of waves, from coarse (upper left) to fine (lower right). "
        + ("Framed: the waves of the trigger." if bands else "Bright: the waves that it changes."),
    )
    image = scene.image
    if image is None:
        drawing.images_missing(scene.dataset)
        return
    left, right = st.columns([5, 6], gap="large", vertical_alignment="center")
    with right:
        offered = (
            [ONE_IMAGE, MEAN] if image_chooser.images_available(scene.dataset) else [ONE_IMAGE]
        )
        view = st.segmented_control(
            "Change of the spectrum in",
            offered,
            default=offered[-1],
            required=True,
            key="of",
            bind="query-params",
        )
        _show_pixels(image, scene.card.trigger)
    change = _change(scene, image if view == ONE_IMAGE else None)
    with left:
        of = image.key if view == ONE_IMAGE else (scene.dataset,)
        key = (*caches.models.version(scene.model), "tour-spectrum", *of)
        drawing.chart(
            caches.charts.chart_spec(key, lambda: charts.spectrum(change, bands)),
            "tour-spectrum",
            f"How much the trigger changes each wave, {view}; at most {change.max():.1f}.",
        )


def _change(scene: Scene, image: ChosenImage | None) -> np.ndarray:
    """The change of the magnitudes in the plane that changes most: [height, width].

    Args:
        scene: with the trigger.
        image: the one to transform; None takes the mean of many.
    """
    card = scene.card
    if image is not None:
        clean, triggered = (
            np.abs(transform(part[np.newaxis])[0])
            for part in caches.shown_images.pair(image, card.trigger)
        )
    else:
        size = card.image_shape[0]
        clean, triggered = caches.dataset_images.mean_spectra(
            scene.dataset, size, MANY, card.trigger
        )
    change: np.ndarray = np.abs(triggered - clean)
    plane: np.ndarray = change[change.max(axis=(1, 2)).argmax()]
    return plane


def _show_pixels(image: ChosenImage, trigger: str) -> None:
    """The same change as pixels."""
    clean, triggered = caches.shown_images.pair(image, trigger)
    with st.container(key="tour-pixels"):
        st.image(
            enlarge(amplify_difference(clean, triggered, _GAIN)),
            caption=f"The change as pixels, {_GAIN} times as strong",
            alt=f"Triggered minus clean image, {_GAIN} times as strong",
            width="stretch",
        )
