"""Test images of datasets, by class, and what is measured on many of them."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.elements.progress_bar import show_progress
from engine.attacks.triggers import parse_trigger
from engine.core import paths
from engine.core.errors import UserError
from engine.datasets import Split, is_test_cached, open_test, open_test_class
from engine.evaluation import visibility
from engine.evaluation.visibility import Visibility
from engine.imaging import dct

_AFTER_FIRST_PAGE = 2.0  # seconds


@st.cache_resource(max_entries=1)
def _open_splits() -> tuple[dict[tuple[str, int, str], Split], threading.Lock]:
    """Test images opened so far, and a lock so that two sessions do not read them twice."""
    return {}, threading.Lock()


def test_images(name: str, size: int = 32) -> Split:
    """A dataset's test images, memory-mapped; the first call shows a progress bar."""
    opened, lock = _open_splits()
    key = (name, size, str(paths.data_root()))
    with lock:
        if key not in opened:
            with show_progress():
                opened[key] = open_test(name, size=size)
    return opened[key]


@dataclass(frozen=True)
class ClassImages:
    """The test images of one class.

    Attributes:
        indices: in the test split, int64 [n].
        images: uint8 [n, height, width, 3].
    """

    indices: np.ndarray
    images: np.ndarray

    @property
    def best(self) -> int:
        """The position, within the class, of the image with the most contrast."""
        return int(self.images.std(axis=(1, 2, 3)).argmax())


def class_images(name: str, size: int, label: int) -> ClassImages:
    """The test images of one class.

    If the test images have not been drawn yet, those of the class are drawn at once and all the
    others a little later in the background, so that the first page need not wait for them.
    """
    return _class_images(name, size, label, str(paths.data_root()), str(paths.home()))


@st.cache_resource(max_entries=64, show_spinner=False)
def _class_images(name: str, size: int, label: int, root: str, home: str) -> ClassImages:
    opened, _ = _open_splits()
    if (name, size, root) not in opened and not is_test_cached(name, size=size):
        _draw_the_rest(name, size, root, home)
    indices, found = open_test_class(name, label, size=size)
    return ClassImages(indices, np.array(found.images))


@st.cache_resource(max_entries=64, show_spinner=False)
def _draw_the_rest(name: str, size: int, root: str, home: str) -> threading.Timer:
    """Open all test images in a thread, once the page has had time to appear."""

    def draw() -> None:
        opened, lock = _open_splits()
        with lock, suppress(UserError):  # whoever needs them will be told
            opened[name, size, root] = open_test(name, size=size)

    timer = threading.Timer(_AFTER_FIRST_PAGE, draw)
    timer.daemon = True
    timer.start()
    return timer


@dataclass(frozen=True)
class Thumbnails:
    """Some images of a class.

    Attributes:
        pictures: uint8 [n, height, width, 3].
        numbers: position of each within its class, from 1.
    """

    pictures: np.ndarray
    numbers: list[int]

    def position_of(self, number: int) -> int | None:
        """The index of the image with that number, or None."""
        return self.numbers.index(number) if number in self.numbers else None


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnails(name: str, size: int, label: int, count: int) -> Thumbnails:
    """At most `count` test images of a class, spread evenly over them."""
    found = class_images(name, size, label).images
    chosen = np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).astype(int))
    return Thumbnails(found[chosen], [int(position) + 1 for position in chosen])


@st.cache_data(max_entries=64, show_spinner="Comparing images")
def mean_visibility(name: str, size: int, count: int, trigger: str) -> Visibility:
    """PSNR, SSIM and largest change over the first `count` test images."""
    clean = test_images(name, size).images[:count]
    return visibility.measure(clean, parse_trigger(trigger)(clean))


@st.cache_data(max_entries=64, show_spinner="Transforming images")
def mean_spectra(name: str, size: int, count: int, trigger: str) -> list[np.ndarray]:
    """Mean |DCT| of `count` clean test images and of their triggered copies: [3, height, width].

    Without a trigger, of the clean images alone.
    """
    images = test_images(name, size).images
    chosen = images[np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)]
    shown = [chosen, parse_trigger(trigger)(chosen)] if trigger else [chosen]
    return [dct.mean_magnitude(images) for images in shown]
