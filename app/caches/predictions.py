"""Networks run on a few images, with NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.caches import dataset_images, models, shown_images
from app.chosen_image import ChosenImage
from engine.attacks.triggers import parse_trigger
from engine.networks import numpy_inference
from engine.networks.running import batches
from engine.store import StoredModel

SAMPLED_IMAGES = 600  # test images searched for those with a channel's largest activations


def network(stored: StoredModel) -> numpy_inference.Network:
    """A model's network, to run on a few images without TensorFlow."""
    card = stored.card  # other cards may describe the same file in other ways
    return _network(stored, card.sha256, card.image_shape, len(card.class_names))


@st.cache_resource(max_entries=4, show_spinner=False)
def _network(
    _stored: StoredModel, checksum: str, image_shape: tuple[int, int, int], classes: int
) -> numpy_inference.Network:
    return _stored.numpy_network()


def predictions_while_pruned(
    stored: StoredModel, image: ChosenImage, layer: str, order: str
) -> np.ndarray:
    """Probabilities for an image and its triggered copy at every step of a pruning curve.

    Returns:
        float32 [steps, 2, classes], or [steps, 1, classes] where no trigger is known; step 0 is
        the network before pruning, and the only step if there is no such curve.
    """
    return _predictions_while_pruned(stored, models.version(stored), image, image.key, layer, order)


@st.cache_resource(max_entries=256, show_spinner=False)
def _predictions_while_pruned(
    _stored: StoredModel,
    model_version: tuple[str, int],
    _image: ChosenImage,
    key: tuple[str, int, int | str],
    layer: str,
    order: str,
) -> np.ndarray:
    images = shown_images.variants(_image, _stored.card.trigger)
    known = models.curve(_stored, layer, order)
    if known is None:
        return network(_stored).probabilities(images)[np.newaxis]
    return network(_stored).probabilities_while_pruned(images, layer, known.channels)


def predictions(stored: StoredModel, image: ChosenImage, trigger: str = "") -> np.ndarray:
    """Probabilities for an image and its triggered copy: float32 [2, classes].

    Where no trigger is known: for the image alone, [1, classes].

    Args:
        stored: the model.
        image: the image.
        trigger: as text; the model's own if left out.
    """
    trigger = trigger or stored.card.trigger
    return _predictions(stored, stored.card.sha256, trigger, image, image.key)


@st.cache_data(max_entries=512, show_spinner=False)
def _predictions(
    _stored: StoredModel,
    checksum: str,
    trigger: str,
    _image: ChosenImage,
    key: tuple[str, int, int | str],
) -> np.ndarray:
    return network(_stored).probabilities(shown_images.variants(_image, trigger))


def triggered_predictions(
    stored: StoredModel, dataset: str, trigger: str, indices: tuple[int, ...]
) -> np.ndarray:
    """Predicted classes of some test images with a trigger: int64 [n].

    Raises:
        UserError: the trigger does not fit these images, or NumPy cannot run the network.
    """
    return _triggered_predictions(stored, stored.card.sha256, dataset, trigger, indices)


@st.cache_data(max_entries=1024, show_spinner=False)
def _triggered_predictions(
    _stored: StoredModel, checksum: str, dataset: str, trigger: str, indices: tuple[int, ...]
) -> np.ndarray:
    images = dataset_images.test_images(dataset, _stored.card.image_shape[0]).images[list(indices)]
    return network(_stored).probabilities(parse_trigger(trigger)(images)).argmax(axis=1)


def layer_outputs(stored: StoredModel, image: ChosenImage, layer: str) -> np.ndarray:
    """A layer's output for an image and its triggered copy: float32 [2, height, width, c].

    Where no trigger is known: for the image alone, [1, height, width, c].
    """
    images = shown_images.variants(image, stored.card.trigger)
    return network(stored).outputs(images, [layer])[layer]


def outputs_by_layer(stored: StoredModel, image: ChosenImage) -> dict[str, np.ndarray]:
    """Every layer's output for an image and its triggered copy: float32 [2, ...] each.

    Where no trigger is known: for the image alone, [1, ...].
    """
    images = shown_images.variants(image, stored.card.trigger)
    found = network(stored)
    return found.outputs(images, [layer.name for layer in found.layers])


def layers_with_maps(stored: StoredModel) -> list[str]:
    """Names of the layers whose output is a map a channel.

    Raises:
        UserError: NumPy cannot run the network.
    """
    found = network(stored)
    names = [layer.name for layer in found.layers]
    outputs = found.outputs(np.zeros((1, *stored.card.image_shape), np.uint8), names)
    return [name for name in names if outputs[name].ndim == 4]


def mean_activations(
    stored: StoredModel, dataset: str, layer: str
) -> tuple[np.ndarray, np.ndarray]:
    """Mean activations of a layer's channels on test images sampled across the dataset.

    Returns:
        Indices of the test images, int64 [n], and their mean activations, float32 [n, c].
    """
    return _mean_activations(stored, stored.card.sha256, dataset, layer)


@st.cache_data(max_entries=32, show_spinner="Finding the images this layer responds to most")
def _mean_activations(
    _stored: StoredModel, checksum: str, dataset: str, layer: str
) -> tuple[np.ndarray, np.ndarray]:
    images = dataset_images.test_images(dataset, _stored.card.image_shape[0]).images
    chosen = np.unique(
        np.linspace(0, len(images) - 1, min(SAMPLED_IMAGES, len(images))).astype(int)
    )
    found = network(_stored)
    means = [
        found.outputs(images[chosen[part]], [layer])[layer].mean(axis=(1, 2))
        for part in batches(len(chosen), 64)
    ]
    return chosen, np.concatenate(means)


@st.cache_resource(max_entries=64, show_spinner=False)
def pruned_examples(
    _stored: StoredModel,
    model_version: tuple[str, int],
    dataset: str,
    layer: str,
    order: str,
    labels: tuple[int, ...],
) -> list[tuple[int, str, np.ndarray]]:
    """The test image with the most contrast of each class; triggered, where a trigger is known.

    Returns:
        For each class that has one: the class, the image as a data URL, and the probabilities at
        every step of a pruning curve, float32 [steps, classes].
    """
    size, trigger = _stored.card.image_shape[0], _stored.card.trigger
    found = []
    for label in labels:
        if len(dataset_images.class_images(dataset, size, label).indices):
            image = shown_images.best_of_class(_stored.card, dataset, label)
            shown = predictions_while_pruned(_stored, image, layer, order)
            found.append((label, shown_images.enlarged_url(image, trigger), shown[:, -1]))
    return found


@dataclass(frozen=True)
class Predicted:
    """Some test images and what a network makes of them.

    Attributes:
        images: uint8 [n, height, width, 3].
        labels: int64 [n].
        probabilities: float32 [n, classes].
    """

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


def sample_predictions(stored: StoredModel, count: int = 7) -> Predicted:
    """`count` test images of a model's own dataset, spread evenly over them, and its predictions.

    Raises:
        UserError: the images are missing, or NumPy cannot run the network.
    """
    return _sample_predictions(stored, stored.card.sha256, stored.card.dataset, count)


@st.cache_data(max_entries=16, show_spinner=False)
def _sample_predictions(_stored: StoredModel, checksum: str, dataset: str, count: int) -> Predicted:
    test = dataset_images.test_images(dataset, _stored.card.image_shape[0])
    chosen = np.unique(np.linspace(0, len(test) - 1, min(count, len(test))).astype(int))
    images = np.array(test.images[chosen])
    return Predicted(images, test.labels[chosen], network(_stored).probabilities(images))
