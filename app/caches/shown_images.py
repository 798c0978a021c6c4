"""One image as a page shows it: chosen, triggered, enlarged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.caches import dataset_images, models
from app.chosen_image import ChosenImage
from engine import store
from engine.attacks.triggers import Trigger, parse_trigger
from engine.core.errors import UserError
from engine.evaluation import visibility
from engine.evaluation.visibility import Visibility
from engine.imaging import dct
from engine.imaging.render import data_url, enlarge
from engine.store import ModelCard


def test_image(card: ModelCard, dataset: str, index: int) -> ChosenImage:
    """One test image of a dataset, at the size that the model takes."""
    size = card.image_shape[0]
    test = dataset_images.test_images(dataset, size)
    return described(card, dataset, index, test.images[index], int(test.labels[index]))


def best_of_class(card: ModelCard, dataset: str, label: int) -> ChosenImage:
    """The test image with the most contrast of a class that has images."""
    return image_of_class(
        card, dataset, label, dataset_images.class_images(dataset, card.image_shape[0], label).best
    )


def image_of_class(card: ModelCard, dataset: str, label: int, place: int) -> ChosenImage:
    """A test image by its position within its class."""
    found = dataset_images.class_images(dataset, card.image_shape[0], label)
    return described(card, dataset, int(found.indices[place]), found.images[place], label)


def described(
    card: ModelCard, dataset: str, index: int, image: np.ndarray, label: int
) -> ChosenImage:
    """A test image whose pixels and class are known already."""
    size, clean = card.image_shape[0], np.array(image)
    return ChosenImage((dataset, size, index), clean, label, card.class_names[label])


def triggered(image: ChosenImage, trigger: str) -> np.ndarray:
    """The image with a trigger: uint8, of the same shape.

    Raises:
        UserError: the trigger has not been learned, or does not fit images of this size.
    """
    return _triggered(image, image.key, trigger)


@st.cache_data(max_entries=256, show_spinner=False)
def _triggered(_image: ChosenImage, key: tuple[str, int, int | str], trigger: str) -> np.ndarray:
    return parse_trigger(trigger)(_image.clean[np.newaxis])[0]


def pair(image: ChosenImage, trigger: str) -> tuple[np.ndarray, np.ndarray]:
    """The image and its triggered copy: uint8 [height, width, 3] each."""
    return image.clean, triggered(image, trigger)


def variants(image: ChosenImage, trigger: str) -> np.ndarray:
    """The image and, unless `trigger` is empty, its triggered copy: uint8 [1 or 2, h, w, 3]."""
    return np.stack(pair(image, trigger) if trigger else [image.clean])


def enlarged_url(image: ChosenImage, trigger: str = "") -> str:
    """The image, triggered if a trigger is given, enlarged, as a data URL."""
    return _enlarged_url(image, image.key, trigger)


@st.cache_data(max_entries=128, show_spinner=False)
def _enlarged_url(_image: ChosenImage, key: tuple[str, int, int | str], trigger: str) -> str:
    return data_url(enlarge(triggered(_image, trigger) if trigger else _image.clean))


@dataclass(frozen=True)
class Effect:
    """The effect of a trigger on one image.

    Attributes:
        triggered: uint8 [height, width, 3].
        spectrum: magnitude of the change in each DCT band, the largest of Y, U and V: float32
            [height, width].
        visibility: how visible the change is.
    """

    triggered: np.ndarray
    spectrum: np.ndarray
    visibility: Visibility


def effect(clean: np.ndarray, trigger: str) -> Effect:
    """The effect of a trigger on an image, uint8 [height, width, 3].

    Raises:
        UserError: the trigger has not been learned, or does not fit images of this size.
    """
    return _effect(clean, clean.tobytes(), trigger)


@st.cache_data(max_entries=256, show_spinner=False)
def _effect(_clean: np.ndarray, content: bytes, trigger: str) -> Effect:
    triggered = parse_trigger(trigger)(_clean[np.newaxis])[0]
    coefficients = np.abs(dct.transform(triggered.astype(np.float32) - _clean))
    measured = visibility.measure(_clean[np.newaxis], triggered[np.newaxis])
    return Effect(triggered, coefficients.max(axis=0), measured)


def ready_trigger(name: str, dataset: str) -> Trigger:
    """See `store.ready_trigger`."""
    return _ready_trigger(name, dataset, tuple(models.model_names()))


@st.cache_data(max_entries=256, show_spinner=False)
def _ready_trigger(name: str, dataset: str, names: tuple[str, ...]) -> Trigger:
    return store.ready_trigger(name, dataset)


@st.cache_data(max_entries=256, show_spinner=False)
def fits(trigger: str, size: int) -> bool:
    """Whether a trigger can be applied to images of that side, pixels."""
    try:
        parse_trigger(trigger)(np.zeros((1, size, size, 3), np.uint8))
    except UserError:
        return False
    return True
