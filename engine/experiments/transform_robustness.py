"""What becomes of a trigger when pictures are stored, sent and resized on their way."""

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
from engine.experiments.experiment import eval_pair, load_matching_network
from engine.store import StoredModel

TABLE = "robustness"  # beside a model


def _encoded(images: np.ndarray, kind: str, options: tuple[int, ...] = ()) -> np.ndarray:
    """Each image written in a file format and read again."""
    return np.stack([_again(image, kind, options) for image in images])


def _again(image: np.ndarray, kind: str, options: tuple[int, ...]) -> np.ndarray:
    written, content = cv2.imencode(kind, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not written:
        raise UserError(f"An image could not be written as {kind}.")
    read = cv2.imdecode(content, cv2.IMREAD_COLOR)
    assert read is not None  # it was written a moment ago
    return cv2.cvtColor(read, cv2.COLOR_BGR2RGB)


def _resized(images: np.ndarray, share: float) -> np.ndarray:
    """Each image at `share` of its size, and back; means of areas where it gets smaller."""
    height, width = images.shape[1:3]
    small = (max(1, round(share * width)), max(1, round(share * height)))
    there, back = (cv2.INTER_LINEAR, cv2.INTER_AREA)[:: 1 if share > 1 else -1]
    return np.stack(
        [
            cv2.resize(
                cv2.resize(image, small, interpolation=there), (width, height), interpolation=back
            )
            for image in images
        ]
    )


def _jpeg(quality: int) -> Callable[[np.ndarray], np.ndarray]:
    return partial(_encoded, kind=".jpg", options=(cv2.IMWRITE_JPEG_QUALITY, quality))


PROCESSES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "nothing": np.asarray,
    "saved as PNG": partial(_encoded, kind=".png"),
    "JPEG, quality 95": _jpeg(95),
    "JPEG, quality 90": _jpeg(90),
    "JPEG, quality 75": _jpeg(75),
    "enlarged to twice its size and back": partial(_resized, share=2.0),
    "reduced to three quarters and back": partial(_resized, share=0.75),
}


def measure_robustness(stored: StoredModel, dataset: Dataset) -> pd.DataFrame:
    """How clean and triggered test images are read after each process.

    Returns:
        A row each: process, and the three figures in percent.
    """
    network, card = load_matching_network(stored, dataset), stored.card
    images = eval_pair(dataset, "test", card.parsed_trigger(), card.target)
    rows = []
    for name, process in PROCESSES.items():
        progress.report(0, 0, f"Processing: {name}")
        clean, triggered = (
            Split(process(split.images), split.labels) for split in (images.clean, images.triggered)
        )
        with progress.rewording(partial(_name_transform, name)):
            scores = metrics.evaluate(network, clean, triggered, card.target)
        rows.append({"transform": name, **scores.percentages()})
    return pd.DataFrame(rows)


def _name_transform(name: str, event: Progress) -> Progress:
    return replace(event, message=f"Evaluating: {name}")
