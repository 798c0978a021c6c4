"""A contact sheet on the page: some test images of each class."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st

from app import caches
from engine.core import templates
from engine.datasets import default_size
from engine.imaging.render import data_url

EACH = 5  # images of a class
SIDE = 48  # pixels
CLASSES = 44  # on a screen
_TEMPLATES = templates.load(__file__)


def show(name: str, class_names: tuple[str, ...]) -> None:
    """Strips of test images, a class each; of many classes some at a time."""
    first = 0
    if len(class_names) > CLASSES:
        pages = range(-(-len(class_names) // CLASSES))
        page = st.selectbox(
            "Classes",
            pages,
            format_func=lambda page: (
                f"{page * CLASSES} to {min((page + 1) * CLASSES, len(class_names)) - 1}"
            ),
            key=f"classes-of-{name}",
            width=220,
        )
        first = page * CLASSES
    strips = _strips(name, default_size(name), class_names[first : first + CLASSES], first)
    st.html(templates.render(_TEMPLATES, "class_samples", strips=strips))


def _strips(name: str, size: int, class_names: tuple[str, ...], first: int) -> list[dict[str, str]]:
    test = caches.dataset_images.test_images(name, size)
    strips = []
    for label, title in enumerate(class_names, first):
        places = np.flatnonzero(test.labels == label)
        chosen = places[np.linspace(0, len(places) - 1, min(EACH, len(places))).astype(int)]
        images = [cv2.resize(test.images[place], (SIDE, SIDE)) for place in chosen.tolist()]
        strips.append(
            {
                "caption": f"{label} · {title}",
                "url": data_url(np.hstack(images)) if images else "",
                "alt": f"{len(images)} test images of class {label}, {title}",
            }
        )
    return strips
