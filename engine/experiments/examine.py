"""Finding out what a network from elsewhere expects, before it is imported.

A file does not tell the range of its pixel values, the order of the colours, or the order of its
classes. All combinations are scored on clean images; only a clear winner is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets import Dataset, Split
from engine.evaluation import metrics
from engine.networks import running
from engine.networks.input_format import RANGES, InputFormat, find_outputs
from engine.networks.untrusted import OpenedNetwork, open_network_file
from engine.store import near_chance

if TYPE_CHECKING:
    import keras

IMAGES = 1000  # on which each combination is scored
MIN_VALIDATION = 500  # with fewer validation images, training images are taken as well
FAR = 5.0  # points by which a permutation of the classes must be better to be offered
# Orders of the classes by name, and what they are called on pages.
ORDERS = {
    "given": "as the dataset gives them",
    "numbers-as-text": "numbers sorted as text: 0, 1, 10, 11, 2",
    "names-as-text": "names sorted as text",
    "fitted": "as it fits the images best",
}


@dataclass(frozen=True)
class Candidate:
    """One combination of what a network may expect.

    Attributes:
        range: see `InputFormat`.
        colours: see `InputFormat`.
        order: of the classes; a name in `ORDERS`.
        class_order: see `InputFormat`.
        accuracy: percent of clean images classified correctly.
        images: number of them.
        group: combinations of the same group predict the same class for every image.
    """

    range: str
    colours: str
    order: str
    class_order: tuple[int, ...]
    accuracy: float
    images: int
    group: int = 0


@dataclass(frozen=True)
class Examination:
    """What was found out about a network's file.

    Attributes:
        file: its name.
        format: "keras", "h5", "savedmodel" or "onnx".
        channels_first: whether it takes the colours before height and width.
        side: of the images it takes, in pixels.
        grey: whether it takes one colour only.
        classes: number of its outputs.
        outputs: a name in `input_format.OUTPUTS`.
        left_out: layers that do nothing at inference.
        candidates: every combination, the best first.
        winner: the first of them, if it is clearly better than every other; else None.
        near_chance: whether even the best is little better than guessing.
    """

    file: str
    format: str
    channels_first: bool
    side: int
    grey: bool
    classes: int
    outputs: str
    left_out: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    winner: Candidate | None
    near_chance: bool

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)

    def form(self, candidate: Candidate) -> InputFormat:
        """What the network expects and gives if `candidate` is right."""
        return InputFormat(candidate.range, candidate.colours, self.outputs, candidate.class_order)


@dataclass(frozen=True)
class Opened:
    """A network from elsewhere, in standard form, and the images it is examined on.

    Attributes:
        file: its name.
        about: what the limited process found in the file.
        network: as it came.
        dataset: at the size of the network's images.
    """

    file: str
    about: OpenedNetwork
    network: keras.Model
    dataset: Dataset


def open_for(file: Path, load: Callable[[int], Dataset]) -> Opened:
    """Open a network in the limited process, and the dataset it was trained for.

    Args:
        file: in any format that `open_network_file` takes.
        load: the dataset at a size of its images, in pixels.

    Raises:
        UserError: the file is refused, or the network does not fit the dataset.
    """
    import keras

    progress.report(0, 0, "Opening the file in a sandboxed process")
    about = open_network_file(file, file.name)
    network = keras.saving.load_model(about.file, compile=False, safe_mode=True)
    height, width = network.input_shape[1:3]
    if height != width:
        raise UserError(
            f"{file.name} takes images of {width}x{height}: only square ones are possible here."
        )
    dataset = load(height)
    if dataset.image_shape[:2] != (height, width):
        raise UserError(
            f"{file.name} takes images of {width}x{height}, but those of {dataset.name} were loaded"
            f" at {dataset.image_shape[1]}x{dataset.image_shape[0]}: load them with size={height}."
        )
    if network.output_shape[-1] != dataset.classes:
        raise UserError(
            f"{file.name} has {network.output_shape[-1]} outputs, but {dataset.name} has"
            f" {dataset.classes} classes: choose the dataset that the network was trained for."
        )
    return Opened(file.name, about, network, dataset)


def examine(opened: Opened) -> Examination:
    """Score every combination of input range, colour order and class order on clean images."""
    network, classes = opened.network, opened.dataset.classes
    images = _images(opened.dataset)
    candidates = tuple(
        sorted(_grouped(_candidates(network, opened.dataset.class_names, images)), key=_rank)
    )
    best = candidates[0]
    form = InputFormat(best.range, best.colours)
    values = running.compiled(network)(form.scaled(images.images[: running.BATCH]))
    return Examination(
        file=opened.file,
        format=opened.about.format,
        channels_first=opened.about.channels_first,
        side=network.input_shape[1],
        grey=network.input_shape[-1] == 1,
        classes=classes,
        outputs=find_outputs(network, values),
        left_out=opened.about.left_out,
        candidates=candidates,
        winner=find_winner(candidates, classes),
        near_chance=_is_near_chance(best, classes),
    )


def find_winner(candidates: Sequence[Candidate], classes: int) -> Candidate | None:
    """The first candidate, if it is better than guessing and than all that predict otherwise.

    Better means that the 95 % intervals of the two accuracies do not overlap. An order that was
    fitted to the images is no rival of one that others use as well.

    Args:
        candidates: the best first.
        classes: of the dataset.
    """
    best, *others = candidates
    low, _ = metrics.wilson_interval(best.accuracy, best.images)
    rivals = [
        other
        for other in others
        if other.group != best.group and (other.order != "fitted" or best.order == "fitted")
    ]
    beaten = all(metrics.wilson_interval(rival.accuracy, rival.images)[1] < low for rival in rivals)
    return best if beaten and not _is_near_chance(best, classes) else None


Scored = tuple[Candidate, np.ndarray]  # a candidate and the classes it predicts, int64 [n]


def _images(dataset: Dataset) -> Split:
    """Clean images to score on: from validation, and from training if there are few of these."""
    parts = [dataset.validation]
    if len(dataset.validation) < MIN_VALIDATION:
        parts.append(dataset.train)
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    chosen = np.random.default_rng(0).permutation(len(labels))[:IMAGES]
    return Split(images[chosen], labels[chosen])


def _candidates(network: keras.Model, names: Sequence[str], images: Split) -> Iterator[Scored]:
    run = running.compiled(network)
    colours = ["grey"] if network.input_shape[-1] == 1 else ["rgb", "bgr"]
    forms = [InputFormat(*pair) for pair in itertools.product(RANGES, colours)]
    for number, form in enumerate(forms):
        progress.report(number, len(forms), "Trying input ranges and colour orders")
        parts = [images.images[part] for part in running.batches(len(images))]
        outputs = np.concatenate([run(form.scaled(part)).argmax(axis=1) for part in parts])
        yield from _ordered(form, outputs, images.labels, names)


def _grouped(scored: Iterable[Scored]) -> Iterator[Candidate]:
    """The candidates, each with the number of its group."""
    groups: dict[bytes, int] = {}
    for candidate, predicted in scored:
        yield replace(candidate, group=groups.setdefault(predicted.tobytes(), len(groups)))


def _ordered(
    form: InputFormat, outputs: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> Iterator[Scored]:
    """The candidates for each order of the classes: those of the names, and the best fit."""
    best = 0.0
    for order, class_order in class_orders(names).items():
        predicted = _in_order(outputs, class_order)
        accuracy = 100 * float((predicted == labels).mean())
        best = max(best, accuracy)
        yield (
            Candidate(form.range, form.colours, order, class_order, accuracy, len(labels)),
            predicted,
        )
    fitted = fit_order(outputs[::2], labels[::2], len(names))
    predicted = _in_order(outputs, fitted)
    held_out = 100 * float((predicted == labels)[1::2].mean())  # on images it was not fitted to
    low, _ = metrics.wilson_interval(held_out, len(labels[1::2]))
    if low > best + FAR:
        yield (
            Candidate(form.range, form.colours, "fitted", fitted, held_out, len(labels[1::2])),
            predicted,
        )


def class_orders(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Orders of the classes that are common: each by its name, as `InputFormat.class_order`.

    Programs that read a folder per class sort the folders' names as text: 0, 1, 10, 11, 2.
    """
    count = len(names)
    sorted_orders = {
        "given": list(range(count)),
        "numbers-as-text": sorted(range(count), key=str),
        "names-as-text": sorted(range(count), key=lambda index: names[index]),
    }
    orders: dict[str, tuple[int, ...]] = {}
    for order, ranked in sorted_orders.items():
        places = tuple(int(place) for place in np.argsort(ranked))
        if places not in orders.values():
            orders[order] = places
    return orders | {"given": ()}


def fit_order(outputs: np.ndarray, labels: np.ndarray, classes: int) -> tuple[int, ...]:
    """The assignment of outputs to classes under which most images are correct.

    Args:
        outputs: int64 [n], the network's strongest output for each image.
        labels: int64 [n].
        classes: how many there are.
    """
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, outputs), 1)
    _, columns = linear_sum_assignment(counts, maximize=True)
    return tuple(int(column) for column in columns)


def _in_order(outputs: np.ndarray, class_order: Sequence[int]) -> np.ndarray:
    """The dataset's classes that a network's outputs stand for."""
    if not class_order:
        return outputs
    classes: np.ndarray = np.argsort(class_order)[outputs]
    return classes


def _rank(candidate: Candidate) -> tuple[float, int]:
    """Best first; an order that was fitted must be far better, and as given comes before others."""
    handicap = FAR if candidate.order == "fitted" else 0.0
    return handicap - candidate.accuracy, len(candidate.class_order)


def _is_near_chance(candidate: Candidate, classes: int) -> bool:
    low, _ = metrics.wilson_interval(candidate.accuracy, candidate.images)
    return low <= near_chance.highest_chance(classes)
