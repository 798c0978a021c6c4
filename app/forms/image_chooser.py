"""Controls that choose an image: from the test images in use, or a picture of one's own."""

from __future__ import annotations

import streamlit as st

from app import caches, own_pictures
from app.chosen_image import ChosenImage
from app.elements import job_panel
from app.forms import own_picture_form
from app.frame import failures
from engine.core import jobs, markdown
from engine.core.errors import UserError
from engine.datasets import (
    available,
    example_class,
    fetchable,
    first_by_class,
    missing_message,
)
from engine.store import ModelCard

CLASS, NUMBER = "class", "image"
MAX_THUMBNAILS = 48  # thumbnails of a class at a time
_SOURCE = "picture-shown"


def images_available(dataset: str) -> bool:
    """Whether the dataset is on this computer."""
    return available(dataset)


def offer_download(dataset: str) -> None:
    """Say which files are missing, and fetch them in a worker where that is possible."""
    try:
        message = missing_message(dataset)
    except UserError as error:  # it was removed, or its description is damaged
        st.info(markdown.escape(str(error)), icon=":material/folder_off:")
        return
    st.info(markdown.escape(message), icon=":material/folder_off:")
    name = jobs.name_of("data", dataset)
    if fetchable(dataset):
        job_panel.start_button(
            f"Fetch {dataset}",
            name,
            ["data", dataset],
            "Downloads the official archives and checks them; this takes a few minutes.",
        )
        job_panel.watch(name)


def choose(card: ModelCard, dataset: str) -> ChosenImage | None:
    """Controls for one image; the address and the other pages keep the choice.

    Returns:
        The image, or None while there is none: the test images are missing, and the visitor has
        not added a picture. The page then says how to get some.
    """
    with st.container(key="loading-images"):  # keeps its place, so that no control moves
        if available(dataset) and not first_by_class(dataset):
            caches.dataset_images.test_images(dataset, card.image_shape[0])
    with st.container(horizontal=True, vertical_alignment="bottom", key="image-chooser"):
        own = _choose_own()
        chosen = None
        if own is not None:
            chosen = own_pictures.chosen(own, card)
        elif available(dataset):
            chosen = _choose_test_image(card, dataset)
        own_picture_form.offer()
    if chosen is None:
        offer_download(dataset)
    return chosen


def without_controls(card: ModelCard, dataset: str) -> ChosenImage | None:
    """The visitor's picture in use, or the example image of the dataset, on pages without controls.

    None without either.
    """
    own = own_pictures.in_use()
    if own is not None:
        return own_pictures.chosen(own, card)
    if not available(dataset):
        return None
    size = card.image_shape[0]
    label = min(example_class(dataset), len(card.class_names) - 1)
    if not len(caches.dataset_images.class_images(dataset, size, label).indices):
        return None
    return caches.shown_images.best_of_class(card, dataset, label)


def choose_number(number: int) -> None:
    """Choose an image of the class by its number, counted from 1."""
    st.session_state[NUMBER] = number


def _choose_own() -> str | None:
    """A control for the visitor's own pictures, if there are any: an identifier, or None."""
    pictures = own_pictures.pictures()
    if not pictures:
        return None
    st.session_state[_SOURCE] = own_pictures.in_use()
    chosen: str | None = st.selectbox(
        "Picture",
        [None, *pictures],
        format_func=lambda key: "A test image" if key is None else pictures[key].name,
        key=_SOURCE,
        on_change=_use_own,
        width=220,
    )
    return chosen


def _choose_test_image(card: ModelCard, dataset: str) -> ChosenImage | None:
    size = card.image_shape[0]
    label = st.selectbox(
        "Class",
        range(len(card.class_names)),
        index=min(example_class(dataset), len(card.class_names) - 1),
        format_func=lambda number: f"{number}: {card.class_names[number]}",
        key=CLASS,
        bind="query-params",
        on_change=_forget_number,
        width="stretch",
    )
    found = caches.dataset_images.class_images(dataset, size, label)
    count = len(found.indices)
    if not count:
        st.info("There are no test images of this class: choose another class.")
        st.stop()
    if not 1 <= (st.session_state.get(NUMBER) or 1) <= count:
        del st.session_state[NUMBER]  # of another class, or from a link
    number = st.number_input(
        f"Image (of {count:,})",
        min_value=1,
        max_value=count,
        value=1 + found.best,
        key=NUMBER,
        bind="query-params",
        width=120,
    )
    return caches.shown_images.image_of_class(card, dataset, label, number - 1)


@failures.callback
def _use_own() -> None:
    own_pictures.use(st.session_state[_SOURCE])


@failures.callback
def _forget_number() -> None:
    st.session_state.pop(NUMBER, None)
