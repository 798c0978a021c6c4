"""One trigger on one image: clean, triggered, the difference and its spectrum in one row."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches
from app.caches.shown_images import Effect
from app.chosen_image import ChosenImage
from app.elements import picture, predictions
from app.elements.grid import grid
from app.elements.swipe import swipe
from app.forms import image_chooser
from app.frame import failures
from app.views.triggers import embedded, trigger_form
from engine.attacks import grey_images
from engine.core import markdown
from engine.evaluation.visibility import Visibility
from engine.imaging.render import amplify_difference, enlarge
from engine.reporting.metric_style import STYLES, format_visibility
from engine.store import ModelCard, StoredModel

# dB PSNR above which a change has that name; the first one is where people see no difference.
_NAMES = {40.0: "hard to see", 30.0: "visible to a close look", 0.0: "plain to see"}
_STYLE = (
    # Two pictures in a row on a phone.
    "<style>@media (max-width: 640px) {"
    ".st-key-trigger-row [data-testid=stColumn]"
    " {min-width: calc(50% - 1rem); flex: 1 1 calc(50% - 1rem)}"
    ".st-key-trigger-row [data-testid=stColumn]:has([data-testid=stColumn]) {min-width: 100%}"
    "}</style>"
)


@failures.fragment  # another image or parameter does not rerun the rest of the page
def show(model: StoredModel, dataset: str) -> None:
    """The pictures, with the trigger's parameters beside them."""
    trigger_form.hold_settings()
    left, right = st.columns([4, 1], gap="large")
    with left:
        chosen = image_chooser.choose(model.card, dataset)
    if chosen is None:
        return
    with left:
        stage = st.container()
        if not chosen.is_own and chosen.label is not None:
            _show_images_of_class(dataset, model.card.image_shape[0], chosen.name, chosen.label)
    with right:
        trigger = trigger_form.choose(model)
    with stage, failures.contained():  # settings may not fit an image of this size
        _show_row(model, chosen, str(trigger))


def describe(visibility: Visibility, probabilities: np.ndarray | None, card: ModelCard) -> str:
    """What the trigger does to an image and to its prediction, as Markdown.

    Args:
        visibility: of the change.
        probabilities: for the clean image and the triggered one, float [2, classes]; None if the
            network cannot run here.
        card: of the network.
    """
    if not visibility.largest_change:
        return "**This trigger does not change this image.** Make it stronger."
    seen = next(name for least, name in _NAMES.items() if visibility.psnr >= least)
    if probabilities is None:
        return f"**The change is {seen}.**"
    before, after = (markdown.escape(card.class_names[best]) for best in probabilities.argmax(1))
    change = f"**The change is {seen}, and the prediction "
    if before == after:
        return f"{change}stays {before}.**"
    return f"{change}turns from {before} to {after}.**"


def _show_row(model: StoredModel, chosen: ChosenImage, trigger: str) -> None:
    effect = caches.shown_images.effect(chosen.clean, trigger)
    probabilities = None
    with failures.contained():  # the NumPy runtime does not support every network
        probabilities = caches.predictions.predictions(model, chosen, trigger)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(describe(effect.visibility, probabilities, model.card), width="stretch")
        laid_over = st.toggle(
            "One over the other",
            key="laid-over",
            bind="query-params",
            help="Lay the two pictures over each other, with a divider to drag.",
        )
    if grey_images.adds_colour(chosen.clean, effect.triggered):
        st.caption(f":material/info: {markdown.escape(grey_images.NOTE)}")
    with st.container(key="trigger-row"):
        st.html(_STYLE)
        pair, difference, spectrum = st.columns([2.07, 1, 1], gap="small")
        with pair:
            _show_pair(chosen, effect.triggered, laid_over)
            if probabilities is not None:
                _show_predictions(probabilities, chosen.label, model.card)
        with difference:
            _show_difference(chosen.clean, effect.triggered)
            _show_metrics(effect.visibility, "largest_change")
        with spectrum:
            _show_spectrum(effect)
            _show_metrics(effect.visibility, "psnr", "ssim")


def _show_pair(chosen: ChosenImage, triggered: np.ndarray, laid_over: bool) -> None:
    if laid_over:
        swipe(enlarge(chosen.clean), enlarge(triggered), ("Clean", "Triggered"), "swipe", 320)
        return
    pictures = {"Clean": chosen.clean, "Triggered": triggered}
    for column, (kind, image) in zip(st.columns(2, gap="small"), pictures.items(), strict=True):
        with column:
            picture.show(image, f"{kind}: {chosen.name}")


def _show_predictions(probabilities: np.ndarray, label: int | None, card: ModelCard) -> None:
    columns = st.columns(2, gap="small")
    for column, row in zip(columns, probabilities, strict=True):
        with column:
            st.markdown(f"Prediction: {predictions.describe(row, label, card)}")
            predictions.show(row, label, card)


def _show_difference(clean: np.ndarray, triggered: np.ndarray) -> None:
    place = st.container()
    gain = trigger_form.choose_gain()
    with place:
        picture.show(amplify_difference(clean, triggered, gain), f"Difference, {gain} times")


def _show_spectrum(effect: Effect) -> None:
    image = embedded.spectrum_image(effect.spectrum, float(effect.spectrum.max()))
    picture.show(image, "Spectrum of the change")
    st.caption("Upper left: low frequencies.")


def _show_metrics(visibility: Visibility, *names: str) -> None:
    found = format_visibility(visibility)
    with st.container(horizontal=True, gap="small"):
        for name in names:
            st.metric(STYLES[name].label, found[name], help=STYLES[name].help)


def _show_images_of_class(dataset: str, size: int, name: str, label: int) -> None:
    """Other images of the class, to pick one from."""
    shown = caches.dataset_images.thumbnails(dataset, size, label, image_chooser.MAX_THUMBNAILS)
    grid(
        shown.pictures,
        [f"{name}, image {number}" for number in shown.numbers],
        shown.position_of(st.session_state[image_chooser.NUMBER]),
        f"Test images of class {name}",
        "image-grid",
        lambda place: image_chooser.choose_number(shown.numbers[place]),
    )
