"""Controls that choose an image: from the dataset in use, or uploaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import caches
from app.elements import job_panel
from app.frame import failures
from engine.core import jobs, markdown
from engine.datasets import available, example_class, fetchable, missing_message
from engine.datasets.decoding import decode
from engine.store import ModelCard

CLASS, NUMBER = "class", "image"
MAX_THUMBNAILS = 48  # thumbnails of a class at a time


@dataclass(frozen=True)
class ChosenImage:
    """One test image.

    Attributes:
        dataset: whose test split it is from.
        size: side in pixels.
        index: in the test split.
        label: its true class.
        name: of that class.
    """

    dataset: str
    size: int
    index: int
    label: int
    name: str

    def pair(self, trigger: str) -> tuple[np.ndarray, np.ndarray]:
        """The image and its triggered copy: uint8 [height, width, 3] each."""
        return caches.pair(self.dataset, self.size, self.index, trigger)


def images_available(dataset: str) -> bool:
    """Whether the dataset is on this computer."""
    return available(dataset)


def offer_download(dataset: str) -> None:
    """Say which files are missing, and fetch them in a worker where that is possible."""
    st.info(markdown.escape(missing_message(dataset)), icon=":material/folder_off:")
    name = jobs.name_of("data", dataset)
    if fetchable(dataset):
        job_panel.start_button(
            f"Fetch {dataset}",
            name,
            ["data", dataset],
            "Downloads the official archives and checks them; this takes a few minutes.",
        )
        job_panel.watch(name)


def upload_image(card: ModelCard) -> np.ndarray | None:
    """An uploaded image at the model's input size: uint8 [height, width, 3], or None."""
    file = st.file_uploader(
        "Or use an image of your own",
        type=["png", "jpg", "jpeg", "webp", "bmp", "ppm"],
        help="It stays on this computer, and is scaled to the model's input size.",
    )
    return None if file is None else decode(file.getvalue(), card.image_shape[0], file.name)


def choose(card: ModelCard, dataset: str) -> ChosenImage:
    """Controls for one test image; the link and the other pages keep the choice."""
    size = card.image_shape[0]
    caches.test_images(dataset, size)  # shows its progress here, not in a cache
    with st.container(horizontal=True):
        label = st.selectbox(
            "Class",
            range(len(card.class_names)),
            index=min(example_class(dataset), len(card.class_names) - 1),
            format_func=lambda number: f"{number}: {card.class_names[number]}",
            key=CLASS,
            bind="query-params",
            on_change=_forget_number,
        )
        found = caches.indices_of_class(dataset, size, label)
        if not len(found):
            st.info("There are no test images of this class: choose another class.")
            st.stop()
        if not 1 <= (st.session_state.get(NUMBER) or 0) <= len(found):
            st.session_state[NUMBER] = 1 + caches.highest_contrast(dataset, size, label)
        place = st.number_input(
            f"Image (of {len(found):,})",
            min_value=1,
            max_value=len(found),
            value=None,  # so that the link holds every number, even the first
            key=NUMBER,
            bind="query-params",
            width=200,
        )
    return ChosenImage(dataset, size, int(found[(place or 1) - 1]), label, card.class_names[label])


def choose_number(number: int) -> None:
    """Choose an image of the class by its number, counted from 1."""
    st.session_state[NUMBER] = number


@failures.callback
def _forget_number() -> None:
    st.session_state.pop(NUMBER, None)
