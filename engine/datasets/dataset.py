"""The common form of every loaded dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.core.errors import unknown

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)  # compared by identity, because caches use it as a key
class Split:
    """Images and their labels.

    Attributes:
        images: uint8 [n, height, width, 3], RGB; may be a read-only memory map.
        labels: int64 [n], class numbers.
        tracks: int64 [n]; images of one track show the same object and must stay in the same
            split. Numbers are unique within a class only. None: no two images share an object.
    """

    images: np.ndarray
    labels: np.ndarray
    tracks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Split:
        """The images and labels at `indices` (int [m]), in that order."""
        tracks = None if self.tracks is None else self.tracks[indices]
        return Split(self.images[indices], self.labels[indices], tracks)


@dataclass(frozen=True)
class Dataset:
    """Three splits of one set of classes.

    Validation is what a defender may use for every choice; test only reports.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, 3)."""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    def per_class(self) -> list[dict[str, str | int]]:
        """A row for each class: its name, and its number of images in each split."""
        counts = {
            name: np.bincount(self.split(name).labels, minlength=self.classes) for name in SPLITS
        }
        return [
            {"class": title, **{name: int(counts[name][label]) for name in SPLITS}}
            for label, title in enumerate(self.class_names)
        ]

    def split(self, name: str) -> Split:
        """The split called `name`.

        Raises:
            UserError: there is no such split; lists the three there are.
        """
        if name not in SPLITS:
            raise unknown("split", name, SPLITS)
        split: Split = getattr(self, name)
        return split
