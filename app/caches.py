"""Every cache of the dashboard: bounded, keyed by small values, over plain engine calls.

What every move of a threshold needs is cached as a resource: it is shared, not copied, so callers
must not change it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from app.chosen_image import ChosenImage
from app.elements.progress_bar import show_progress
from engine import store
from engine.attacks.triggers import Trigger, parse_trigger
from engine.core import paths
from engine.core.errors import UserError
from engine.datasets import Split, is_test_cached, open_test, open_test_class
from engine.defenses.pruning.curve import Curve
from engine.evaluation import visibility
from engine.evaluation.visibility import Visibility
from engine.experiments import repair_tables, run_repairs
from engine.experiments.attack_suite import is_suite_model
from engine.experiments.detector_calibration import Rates, measured_rates
from engine.experiments.recovery_ceiling import find as find_ceiling
from engine.experiments.sweeps.results import PublishedResults, SweepResults
from engine.experiments.sweeps.results import find as find_sweep
from engine.experiments.training_estimates import TrainingEstimates, read_estimates
from engine.imaging import dct
from engine.imaging.render import data_url, enlarge
from engine.networks import channel_blocks as blocks
from engine.networks import channels, numpy_inference
from engine.networks.running import batches
from engine.reporting import export, scan_pictures
from engine.store import ModelCard, StoredModel, pruning_curves, summary
from engine.store.scans import Scan, stored_scan

_AFTER_FIRST_PAGE = 2.0  # seconds
SAMPLED_IMAGES = 600  # test images searched for those with a channel's largest activations


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


def forget_all() -> None:
    """Empty every cache, because the name of a dataset now stands for other images."""
    st.cache_data.clear()
    st.cache_resource.clear()


def model_names() -> list[str]:
    """Names of all models, those of the attack suite last; not cached, so that new ones appear."""
    return sorted(store.names(), key=is_suite_model)


def model_titles() -> dict[str, str]:
    """What each model is called on the pages, by its name; ordered by dataset and purpose.

    Of models with the same title each has its name behind it; one that cannot be read has only
    its name.
    """
    cards = ((name, store.card_file(name)) for name in model_names())
    return _model_titles(
        tuple((name, card.stat().st_mtime_ns) for name, card in cards if card is not None)
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _model_titles(cards: tuple[tuple[str, int], ...]) -> dict[str, str]:
    found = {stored.name: stored.card for stored in store.readable_models()}
    titles = {name: summary.title(card) for name, card in found.items()}
    count = Counter(titles.values())
    unique = {name: f"{of} ({name})" if count[of] > 1 else of for name, of in titles.items()}
    ordered = sorted(
        found.values(),
        key=lambda card: (bool(card.suite), card.dataset, summary.purpose(card), unique[card.name]),
    )
    readable = {card.name: unique[card.name] for card in ordered}
    return readable | {name: name for name, _ in cards if name not in readable}


def model(name: str) -> StoredModel:
    """A model with its card; not cached, so that changes appear at once."""
    return store.find(name)


def table(stored: StoredModel, name: str) -> pd.DataFrame | None:
    """A table in a model's folder, or None."""
    return _table(stored, str(stored.folder), name, _changed(stored))


@st.cache_data(max_entries=64, show_spinner=False)
def _table(_stored: StoredModel, folder: str, name: str, changed: int) -> pd.DataFrame | None:
    return _stored.table(name)


def curve(stored: StoredModel, layer: str, order: str) -> Curve | None:
    """A pruning curve in a model's folder, or None."""
    return _curve(stored, str(stored.folder), layer, order, _changed(stored))


@st.cache_resource(max_entries=64, show_spinner=False)
def _curve(_stored: StoredModel, folder: str, layer: str, order: str, changed: int) -> Curve | None:
    return pruning_curves.stored_curve(_stored, layer, order)


@st.cache_data(max_entries=128, show_spinner=False)
def chart_spec(
    key: tuple[str | int | float, ...], _draw: Callable[[], export.Chart]
) -> dict[str, Any]:
    """The specification of the chart that `_draw` draws, cached by `key`.

    Its data are Arrow tables: rows would have to be converted each time the chart is shown.
    """
    found = _draw().to_dict()
    datasets = found.get("datasets", {})
    return {**found, "datasets": {name: pa.Table.from_pylist(datasets[name]) for name in datasets}}


def version(stored: StoredModel) -> tuple[str, int]:
    """A cache key that changes with the model and its results, and differs between copies."""
    return f"{stored.card.sha256} in {stored.folder}", _changed(stored)


def repairs(stored: StoredModel) -> pd.DataFrame:
    """All repairs of a model in one table: see `repair_tables.compare_stored`."""
    return _repairs(stored, str(stored.folder), _changed(stored), tuple(model_names()))


@st.cache_data(max_entries=32, show_spinner=False)
def _repairs(
    _stored: StoredModel, folder: str, changed: int, models: tuple[str, ...]
) -> pd.DataFrame:
    return repair_tables.compare_stored(_stored)


def scan(stored: StoredModel) -> Scan | None:
    """What a scan for a backdoor has found; None if there was none."""
    return _scan(stored, str(stored.folder), _changed(stored))


@st.cache_data(max_entries=64, show_spinner=False)
def _scan(_stored: StoredModel, folder: str, changed: int) -> Scan | None:
    return stored_scan(_stored)


def readable_scan(stored: StoredModel) -> Scan | None:
    """As `scan`; None as well if it cannot be read, which the page Detect explains."""
    with suppress(UserError):
        return scan(stored)
    return None


@st.cache_data(max_entries=1, show_spinner=False)
def detector_rates() -> Rates | None:
    """How often scans are right; None if that was not measured, or cannot be read."""
    with suppress(UserError):
        return measured_rates()
    return None


def recovered_url(stored: StoredModel) -> str:
    """The trigger that a scan has recovered, by itself, as a data URL; empty if there is none.

    Raises:
        UserError: the stored scan cannot be used.
    """
    return _recovered_url(stored, str(stored.folder), _changed(stored))


@st.cache_data(max_entries=128, show_spinner=False)
def _recovered_url(_stored: StoredModel, folder: str, changed: int) -> str:
    found = scan(_stored)
    if found is None or found.trigger is None:
        return ""
    return data_url(scan_pictures.alone(found.trigger, *_stored.card.image_shape[:2]))


def recovery_ceiling(stored: StoredModel) -> float | None:
    """The ceiling of recovered accuracy: see `recovery_ceiling.find`."""
    return _recovery_ceiling(stored, version(stored), tuple(model_names()))


@st.cache_data(max_entries=32, show_spinner=False)
def _recovery_ceiling(
    _stored: StoredModel, model_version: tuple[str, int], models: tuple[str, ...]
) -> float | None:
    return find_ceiling(_stored)


def repaired_copies(stored: StoredModel) -> dict[str, StoredModel]:
    """Repaired copies of a model by the name of their method."""
    folders = (paths.models_folder(), paths.repaired_folder() / stored.name)
    changed = tuple(
        (str(folder), folder.stat().st_mtime_ns if folder.exists() else 0) for folder in folders
    )
    return _repaired_copies(stored, stored.card.sha256, changed)


@st.cache_data(max_entries=16, show_spinner=False)
def _repaired_copies(
    _stored: StoredModel, checksum: str, changed: tuple[tuple[str, int], ...]
) -> dict[str, StoredModel]:
    return run_repairs.saved_repairs(_stored)


def amplification(stored: StoredModel) -> pd.DataFrame:
    """How far each channel's Lipschitz bound lies above its layer's mean.

    Returns:
        Rows with layer, channel and above (standard deviations).
    """
    return _amplification(stored, stored.card.sha256)


@st.cache_data(max_entries=32, show_spinner=False)
def _amplification(_stored: StoredModel, checksum: str) -> pd.DataFrame:
    bounds = numpy_inference.channel_bounds(_stored.parts())
    return pd.concat(
        pd.DataFrame({"layer": layer, "channel": range(len(of)), "above": channels.above_mean(of)})
        for layer, of in bounds.items()
    )


def test_image(card: ModelCard, dataset: str, index: int) -> ChosenImage:
    """One test image of a dataset, at the size that the model takes."""
    size = card.image_shape[0]
    test = test_images(dataset, size)
    return described(card, dataset, index, test.images[index], int(test.labels[index]))


def best_of_class(card: ModelCard, dataset: str, label: int) -> ChosenImage:
    """The test image with the most contrast of a class that has images."""
    return image_of_class(
        card, dataset, label, class_images(dataset, card.image_shape[0], label).best
    )


def image_of_class(card: ModelCard, dataset: str, label: int, place: int) -> ChosenImage:
    """A test image by its position within its class."""
    found = class_images(dataset, card.image_shape[0], label)
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


def clean_activations(stored: StoredModel, layer: str) -> np.ndarray | None:
    """Mean activation of each channel of a convolution on clean images: float [channels].

    Measured at the last layer of its block, as pruning orders do. None if the activations have not
    been measured.
    """
    measured = table(stored, "activations")
    if measured is None:
        return None
    known = set(measured["layer"])
    names = [name for name in channel_blocks(stored).get(layer, []) if name in known]
    if not names:
        return None
    rows = measured[measured["layer"] == names[-1]]
    return rows.sort_values("channel")["clean_mean"].to_numpy()


def convolutions(stored: StoredModel) -> list[str]:
    """Names of a model's convolutions that can be pruned."""
    return _convolutions(stored, stored.card.sha256)


@st.cache_data(max_entries=64, show_spinner=False)
def _convolutions(_stored: StoredModel, checksum: str) -> list[str]:
    return _stored.convolutions()


def channel_blocks(stored: StoredModel) -> dict[str, list[str]]:
    """The layers that have a convolution's channels, by its name: see `engine.networks`."""
    return _channel_blocks(stored, stored.card.sha256)


@st.cache_data(max_entries=64, show_spinner=False)
def _channel_blocks(_stored: StoredModel, checksum: str) -> dict[str, list[str]]:
    return blocks.channel_blocks(_stored.parts())


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
    return _predictions_while_pruned(stored, version(stored), image, image.key, layer, order)


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
    images = test_images(dataset, _stored.card.image_shape[0]).images[list(indices)]
    return network(_stored).probabilities(parse_trigger(trigger)(images)).argmax(axis=1)


@st.cache_data(max_entries=512, show_spinner=False)
def _predictions(
    _stored: StoredModel,
    checksum: str,
    trigger: str,
    _image: ChosenImage,
    key: tuple[str, int, int | str],
) -> np.ndarray:
    return network(_stored).probabilities(variants(_image, trigger))


def layer_outputs(stored: StoredModel, image: ChosenImage, layer: str) -> np.ndarray:
    """A layer's output for an image and its triggered copy: float32 [2, height, width, c].

    Where no trigger is known: for the image alone, [1, height, width, c].
    """
    images = variants(image, stored.card.trigger)
    return network(stored).outputs(images, [layer])[layer]


def outputs_by_layer(stored: StoredModel, image: ChosenImage) -> dict[str, np.ndarray]:
    """Every layer's output for an image and its triggered copy: float32 [2, ...] each.

    Where no trigger is known: for the image alone, [1, ...].
    """
    images = variants(image, stored.card.trigger)
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
    images = test_images(dataset, _stored.card.image_shape[0]).images
    chosen = np.unique(
        np.linspace(0, len(images) - 1, min(SAMPLED_IMAGES, len(images))).astype(int)
    )
    found = network(_stored)
    means = [
        found.outputs(images[chosen[part]], [layer])[layer].mean(axis=(1, 2))
        for part in batches(len(chosen), 64)
    ]
    return chosen, np.concatenate(means)


@st.cache_resource(max_entries=256, show_spinner=False)
def _predictions_while_pruned(
    _stored: StoredModel,
    model_version: tuple[str, int],
    _image: ChosenImage,
    key: tuple[str, int, int | str],
    layer: str,
    order: str,
) -> np.ndarray:
    images = variants(_image, _stored.card.trigger)
    known = curve(_stored, layer, order)
    if known is None:
        return network(_stored).probabilities(images)[np.newaxis]
    return network(_stored).probabilities_while_pruned(images, layer, known.channels)


def _changed(stored: StoredModel) -> int:
    """Changes whenever something in the model's folder is written."""
    return stored.folder.stat().st_mtime_ns


def ready_trigger(name: str, dataset: str) -> Trigger:
    """See `store.ready_trigger`."""
    return _ready_trigger(name, dataset, tuple(model_names()))


@st.cache_data(max_entries=256, show_spinner=False)
def _ready_trigger(name: str, dataset: str, models: tuple[str, ...]) -> Trigger:
    return store.ready_trigger(name, dataset)


@st.cache_data(max_entries=256, show_spinner=False)
def fits(trigger: str, size: int) -> bool:
    """Whether a trigger can be applied to images of that side, pixels."""
    try:
        parse_trigger(trigger)(np.zeros((1, size, size, 3), np.uint8))
    except UserError:
        return False
    return True


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
        if len(class_images(dataset, size, label).indices):
            image = best_of_class(_stored.card, dataset, label)
            shown = predictions_while_pruned(_stored, image, layer, order)
            found.append((label, enlarged_url(image, trigger), shown[:, -1]))
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
    test = test_images(dataset, _stored.card.image_shape[0])
    chosen = np.unique(np.linspace(0, len(test) - 1, min(count, len(test))).astype(int))
    images = np.array(test.images[chosen])
    return Predicted(images, test.labels[chosen], network(_stored).probabilities(images))


def recovered_samples(stored: StoredModel, dataset: str, count: int) -> tuple[Predicted, Predicted]:
    """Test images and their copies with the recovered trigger, with the model's predictions.

    Args:
        stored: a model in which a trigger was recovered.
        dataset: whose test images are shown.
        count: how many, spread evenly over those of other classes.

    Raises:
        UserError: the images are missing, or NumPy cannot run the network.
    """
    return _recovered_samples(stored, version(stored), dataset, count)


@st.cache_data(max_entries=16, show_spinner=False)
def _recovered_samples(
    _stored: StoredModel, model_version: tuple[str, int], dataset: str, count: int
) -> tuple[Predicted, Predicted]:
    found = scan(_stored)
    assert found is not None and found.trigger is not None
    test = test_images(dataset, _stored.card.image_shape[0])
    others = np.flatnonzero(test.labels != found.flagged)
    places = np.linspace(0, len(others) - 1, min(count, len(others))).astype(int)
    chosen = others[np.unique(places)]
    images, labels = np.array(test.images[chosen]), test.labels[chosen]
    both = images, found.trigger.apply(images)
    clean, triggered = (
        Predicted(each, labels, network(_stored).probabilities(each)) for each in both
    )
    return clean, triggered


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


class Sweep(NamedTuple):
    """A sweep as far as it is done.

    Attributes:
        cells: how many it has.
        table: see `SweepResults.table`.
    """

    cells: int
    table: pd.DataFrame


def sweep(name: str) -> Sweep:
    """The sweep called `name`.

    Raises:
        UserError: its plan is damaged.
    """
    results = find_sweep(name)
    return _sweep(results, str(results.csv), results.changed)


@st.cache_data(max_entries=8, show_spinner=False)
def _sweep(_results: SweepResults | PublishedResults, file: str, changed: int) -> Sweep:
    cells = _results.cells()
    return Sweep(len(cells), _results.table(cells))


@st.cache_resource(max_entries=1, show_spinner=False)
def training_estimates() -> TrainingEstimates:
    """What to expect of a training, from the trainings that come with the program."""
    return read_estimates()
