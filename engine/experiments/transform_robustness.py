"""Whether a trigger survives the usual image processing: file formats and resizing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pandas as pd

from engine.core import progress
from engine.core.errors import UserError
from engine.core.progress import Progress
from engine.datasets import Dataset, Split
from engine.evaluation import metrics
from engine.experiments.eval_pairs import eval_pair, load_matching_network
from engine.store import StoredModel

TABLE = "robustness"  # name of the table kept beside a model

Transform = Callable[[np.ndarray], np.ndarray]  # uint8 [n, height, width, 3] to the same


def _reencode(images: np.ndarray, extension: str, options: tuple[int, ...] = ()) -> np.ndarray:
    """Encode each image as a file and decode it again."""
    return np.stack([_reencode_one(image, extension, options) for image in images])


def _reencode_one(image: np.ndarray, extension: str, options: tuple[int, ...]) -> np.ndarray:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    encoded, content = cv2.imencode(extension, bgr, options)
    if not encoded:
        raise UserError(f"An image could not be encoded as {extension}.")
    decoded = cv2.imdecode(content, cv2.IMREAD_COLOR)
    assert decoded is not None  # OpenCV encoded it itself
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def _resize_and_back(images: np.ndarray, scale: float) -> np.ndarray:
    """Resize each image by `scale`, and back to its size; shrinking averages over areas."""
    height, width = images.shape[1:3]
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    enlarge, shrink = cv2.INTER_LINEAR, cv2.INTER_AREA
    first, second = (enlarge, shrink) if scale > 1 else (shrink, enlarge)

    def transform(image: np.ndarray) -> np.ndarray:
        resized = cv2.resize(image, size, interpolation=first)
        return cv2.resize(resized, (width, height), interpolation=second)

    return np.stack([transform(image) for image in images])


def _jpeg(quality: int) -> Transform:
    return partial(_reencode, extension=".jpg", options=(cv2.IMWRITE_JPEG_QUALITY, quality))


TRANSFORMS: dict[str, Transform] = {
    "nothing": np.asarray,
    "saved as PNG": partial(_reencode, extension=".png"),
    "JPEG, quality 95": _jpeg(95),
    "JPEG, quality 90": _jpeg(90),
    "JPEG, quality 75": _jpeg(75),
    "enlarged to twice its size and back": partial(_resize_and_back, scale=2.0),
    "reduced to three quarters and back": partial(_resize_and_back, scale=0.75),
}


def measure_robustness(stored: StoredModel, dataset: Dataset) -> pd.DataFrame:
    """Score a model on clean and triggered test images after each transform.

    Returns:
        One row each: transform, and the three metrics in percent.

    Raises:
        UserError: no trigger is known for the model.
    """
    backdoor = stored.card.known_backdoor()
    network = load_matching_network(stored, dataset)
    images = eval_pair(dataset, "test", backdoor.trigger, backdoor.target)
    rows = []
    for name, transform in TRANSFORMS.items():
        progress.report(0, 0, f"Transforming: {name}")
        clean, triggered = (
            Split(transform(split.images), split.labels)
            for split in (images.clean, images.triggered)
        )
        with progress.rewording(partial(_name_transform, name)):
            scores = metrics.evaluate(network, clean, triggered, backdoor.target)
        rows.append({"transform": name, **scores.percentages()})
    return pd.DataFrame(rows)


def _name_transform(name: str, event: Progress) -> Progress:
    return replace(event, message=f"Evaluating: {name}")
