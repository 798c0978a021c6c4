"""What the page Activations shows: three questions, one tab each."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.elements import job_panel
from app.forms import image_chooser, suspected_trigger
from app.frame import failures
from app.views.activations import channels_tab, layer_choice, layers_tab, path_tab
from engine.core import jobs
from engine.store import StoredModel


@failures.fragment  # another image, layer or channel does not rerun the line above the page
def show(model: StoredModel, dataset: str) -> None:
    """Title and controls in one line, and the tabs."""
    layers = layer_choice.layers_of(model)
    title, left, right = st.columns([4, 3, 9], vertical_alignment="bottom", gap="medium")
    with title:
        st.title("Activations")
    layer = ""
    if layers:
        with left:
            layer = layer_choice.choose(model, layers)
    with right:
        image = image_chooser.choose(model.card, dataset)
    suspected_trigger.explain(model, "The channels are shown on clean images alone.")
    _show_tabs(model, dataset, image, layers, layer)


def _show_tabs(
    model: StoredModel, dataset: str, image: ChosenImage | None, layers: list[str], layer: str
) -> None:
    channels, path, by_layer = st.tabs(
        ["Channels", "Path of the signal", "Layers"], key="activations-tab", bind="query-params"
    )
    table = caches.models.table(model, "activations")
    with channels, failures.contained():
        if table is not None:
            # The controls are there in every tab, so that their settings are not lost.
            choice = channels_tab.choose(model, table, layer)
            if channels.open:
                channels_tab.show(model, dataset, image, choice)
        elif channels.open:
            _offer_to_measure(model, image)
    with path, failures.contained():  # the NumPy runtime does not support every network
        if path.open and not model.card.knows_trigger:
            _say_that_it_needs_a_trigger()
        elif path.open:
            _show_path(model, image, layers, layer)
    with by_layer, failures.contained():
        if by_layer.open and not model.card.knows_trigger:
            _say_that_it_needs_a_trigger()
        elif by_layer.open and table is not None:
            layers_tab.show(table, layer)
        elif by_layer.open:
            _offer_to_measure(model, image)


def _show_path(
    model: StoredModel, image: ChosenImage | None, layers: list[str], layer: str
) -> None:
    if image is None:
        st.info("Fetch the images above or add a picture of your own to follow its signal.")
    else:
        path_tab.show(model, image, layers, layer)


def _say_that_it_needs_a_trigger() -> None:
    st.info("This compares clean images with triggered ones, so it needs a trigger: see above.")


def _offer_to_measure(model: StoredModel, image: ChosenImage | None) -> None:
    st.info("The activations of this model have not been measured yet.")
    name = jobs.name_of("activations", model.name)
    if image_chooser.images_available(model.card.dataset):
        job_panel.start_button(
            "Measure activations",
            name,
            ["activations", model.name],
            "Runs the network once over the validation images"
            f"{', clean and triggered' if model.card.knows_trigger else ''}.",
        )
    elif image is not None:  # otherwise the line above offers them
        image_chooser.offer_download(model.card.dataset)
    job_panel.watch(name)
