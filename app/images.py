"""The images the pages look at: from the model's dataset, or the visitor's own."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches, jobs
from engine.datasets import available, fetchable, missing_message
from engine.datasets.decoding import decode
from engine.store import Card

STOP_SIGN = 14


def at_hand(card: Card) -> bool:
    """Whether the model's dataset is on this computer."""
    return available(card.dataset)


def offer_to_fetch(card: Card) -> None:
    """Say which files are missing, and fetch them in a worker where that is possible."""
    st.info(missing_message(card.dataset), icon=":material/folder_off:")
    name = f"data-{card.dataset}"
    if fetchable(card.dataset):
        jobs.start_button(
            f"Fetch {card.dataset}",
            name,
            ["data", card.dataset],
            "Downloads the official archives and checks them; this takes some minutes.",
        )
        jobs.watch(name)


def uploaded(card: Card) -> np.ndarray | None:
    """An image of the visitor's own in the model's size: uint8 [height, width, 3], or None."""
    file = st.file_uploader(
        "Or use an image of your own",
        type=["png", "jpg", "jpeg", "webp", "bmp", "ppm"],
        help="It stays on this computer and is scaled to the size the model takes.",
    )
    return None if file is None else decode(file.getvalue(), card.image_shape[0], file.name)


def choose(card: Card) -> tuple[int, str]:
    """Controls for one test image: its index and the name of what it shows."""
    size = card.image_shape[0]
    left, right = st.columns(2)
    start = STOP_SIGN if len(card.class_names) > STOP_SIGN else 0
    label = left.selectbox(
        "What the image shows",
        range(len(card.class_names)),
        index=start,
        format_func=lambda number: f"{number}: {card.class_names[number]}",
        key="picture-class",
        persist_state="session",
    )
    found = caches.indices_of_class(card.dataset, size, label)
    if not len(found):
        st.info("No test image shows this class: choose another one.")
        st.stop()
    place = right.number_input(
        f"Which of its {len(found):,} test images",
        min_value=1,
        max_value=len(found),
        value=1 + caches.clearest_of_class(card.dataset, size, label),
        key=f"image-{card.dataset}-{label}",
        persist_state="session",
    )
    return int(found[place - 1]), card.class_names[label]
