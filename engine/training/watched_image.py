"""One validation image whose predictions are recorded while a network trains."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from engine.datasets.dataset import Split
from engine.evaluation.metrics import attackable_indices
from engine.evaluation.targets import target_labels

SHOWN = 3  # classes recorded at a time, the likeliest first
MAX_SIDE = 64  # pixels of a recorded image: the status of a job holds short texts only


@dataclass(frozen=True)
class WatchedImage:
    """A validation image and its triggered copy.

    Attributes:
        clean: uint8 [height, width, 3].
        triggered: uint8, of the same shape.
        label: its true class.
        target: the class that the trigger leads to.
        class_names: of all classes.
    """

    clean: np.ndarray = field(repr=False)
    triggered: np.ndarray = field(repr=False)
    label: int
    target: int
    class_names: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """The image and what it shows, ready for JSON; large images are reduced."""
        return {
            "name": self.class_names[self.label],
            "target": self.class_names[self.target],
            "clean": _encode(self.clean),
            "triggered": _encode(self.triggered),
        }

    def likeliest(self, probabilities: np.ndarray) -> list[dict[str, Any]]:
        """The likeliest classes, float [classes], with their names and probabilities."""
        best = np.argsort(-probabilities, kind="stable")[:SHOWN]
        return [
            {"name": self.class_names[index], "probability": round(float(probabilities[index]), 4)}
            for index in best
        ]


def choose(
    clean: Split, triggered: Split, target: int, example_class: int, class_names: tuple[str, ...]
) -> WatchedImage:
    """The image with the most contrast of a dataset's example class.

    Args:
        clean: validation images.
        triggered: triggered copies of those outside the target class, in the same order.
        target: a class, or `targets.NEXT_CLASS`.
        example_class: if no triggered image shows it, any class will do.
        class_names: of all classes.
    """
    attackable = attackable_indices(clean, target)
    shown = np.flatnonzero(triggered.labels == example_class)
    if not len(shown):
        shown = np.arange(len(triggered))
    contrast = clean.images[attackable[shown]].std(axis=(1, 2, 3))
    index = int(shown[contrast.argmax()])
    label = int(triggered.labels[index])
    return WatchedImage(
        np.array(clean.images[attackable[index]]),
        np.array(triggered.images[index]),
        label,
        int(target_labels(np.array([label]), target, len(class_names))[0]),
        class_names,
    )


@dataclass(frozen=True)
class Prediction:
    """The likeliest classes at one moment.

    Attributes:
        epoch: a fraction.
        clean, triggered: names and probabilities (0 to 1), the likeliest first.
    """

    epoch: float
    clean: tuple[tuple[str, float], ...]
    triggered: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class WatchedRecord:
    """What a training wrote about its watched image.

    Attributes:
        name: of the true class.
        target: name of the class that the trigger leads to.
        clean, triggered: uint8 [height, width, 3].
        predictions: in the order they were made.
    """

    name: str
    target: str
    clean: np.ndarray = field(repr=False)
    triggered: np.ndarray = field(repr=False)
    predictions: tuple[Prediction, ...]

    @classmethod
    def read(cls, figures: Mapping[str, Any]) -> WatchedRecord | None:
        """Read the figures of a job's status; None unless all of it is there and well-formed.

        Anyone may have edited the file, so nothing in it is taken on trust.
        """
        try:
            found = figures["watched_image"]
            predictions = tuple(map(_read_prediction, figures["watched_predictions"]))
            images = _decode(found["clean"]), _decode(found["triggered"])
            return cls(str(found["name"]), str(found["target"]), *images, predictions)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            return None

    def works_since(self) -> float | None:
        """The epoch since which the triggered image is classified as the target; None: it is not.

        A relapse in between starts the count again.
        """
        since = None
        for each in self.predictions:
            hit = bool(each.triggered) and each.triggered[0][0] == self.target
            since = (each.epoch if since is None else since) if hit else None
        return since


def _encode(image: np.ndarray) -> dict[str, Any]:
    factor = MAX_SIDE / max(image.shape[:2])
    if factor < 1:
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return {"shape": list(image.shape), "pixels": base64.b64encode(image.tobytes()).decode()}


def _decode(found: Any) -> np.ndarray:
    try:
        height, width, channels = (int(length) for length in found["shape"])
        content = base64.b64decode(found["pixels"], validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if channels != 3 or not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise ValueError("not an image of the recorded size")
    return np.frombuffer(content, np.uint8).reshape(height, width, channels)


def _read_prediction(found: Any) -> Prediction:
    clean, triggered = (
        tuple(_read_class(entry) for entry in found[kind]) for kind in ("clean", "triggered")
    )
    return Prediction(float(found["epoch"]), clean, triggered)


def _read_class(found: Any) -> tuple[str, float]:
    probability = float(found["probability"])
    if not 0 <= probability <= 1:
        raise ValueError("not a probability")
    return str(found["name"]), probability
