"""A contact sheet of a dataset: a few images of each class in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from engine.core import atomic_files
from engine.datasets.dataset import Split

COLUMNS, EACH = 4, 5  # classes per row, images per class
SIDE, MARGIN, CAPTION = 64, 8, 20  # pixels
_PAPER, _INK = 255, 60


def drawn(split: Split, class_names: Sequence[str]) -> np.ndarray:
    """Draw evenly spaced images of every class, captioned with its number and name.

    Args:
        split: images uint8 [n, height, width, 3] and their labels.
        class_names: in the order of the labels.

    Returns:
        uint8 [height, width, 3].
    """
    rows = -(-len(class_names) // COLUMNS)
    width, height = EACH * SIDE + MARGIN, SIDE + CAPTION + MARGIN
    paper = np.full((rows * height + MARGIN, COLUMNS * width + MARGIN, 3), _PAPER, np.uint8)
    for label, name in enumerate(class_names):
        row, column = divmod(label, COLUMNS)
        top, left = MARGIN + row * height, MARGIN + column * width
        for number, index in enumerate(_spread(np.flatnonzero(split.labels == label))):
            image = cv2.resize(split.images[index], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            paper[top : top + SIDE, left + number * SIDE :][:, :SIDE] = image
        cv2.putText(
            paper,
            f"{label}  {name}",
            (left, top + SIDE + CAPTION - 5),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.45,
            (_INK,) * 3,
            1,
            cv2.LINE_AA,
        )
    return paper


def save(path: Path, picture: np.ndarray) -> None:
    """Write a picture, uint8 [height, width, 3], as PNG."""
    with atomic_files.new_file(path) as aside:
        Image.fromarray(picture).save(aside, format="PNG", optimize=True)


def _spread(indices: np.ndarray) -> np.ndarray:
    """At most `EACH` of the indices, evenly spaced from first to last."""
    count = min(EACH, len(indices))
    return indices[np.linspace(0, len(indices) - 1, count).astype(int)] if count else indices
