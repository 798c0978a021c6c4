"""What every kind of dataset gives, and how it becomes a `Dataset`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from engine.core.errors import UserError, quoted
from engine.datasets.archives import Files
from engine.datasets.dataset import Split
from engine.datasets.decoding import decode_all
from engine.datasets.download import Download


@dataclass(frozen=True)
class Listing:
    """Images that are still encoded, and what they show.

    Attributes:
        names: in `Files`.
        labels: a class number each.
    """

    names: Sequence[str]
    labels: Sequence[int]

    def read(self, files: Files, size: int, message: str) -> Split:
        """Decode them all."""
        absent = next((name for name in self.names if name not in files), None)
        if absent is not None:
            raise UserError(f"The image {quoted(absent)} is listed but missing.")
        images = decode_all(files, self.names, size, message)
        return Split(images, np.asarray(self.labels, np.int64))


@dataclass(frozen=True)
class Parts:
    """A dataset as read: the official splits, and what validation is drawn from.

    Attributes:
        class_names: in the order of the labels.
        train: with the images for validation.
        test: for reporting.
        validation: bool over the images of `train`.
    """

    class_names: tuple[str, ...]
    train: Split
    test: Split
    validation: np.ndarray


@dataclass(frozen=True)
class Found:
    """A dataset's files, found but not opened.

    Attributes:
        origins: archives and folders it lies in; when they change, the dataset has.
        open: lists the files in them.
    """

    origins: tuple[Path, ...]
    open: Callable[[], Files]


class Source(ABC):
    """Where a kind of dataset comes from.

    Attributes:
        name: its name on the command line and on cards.
        title: its name in a sentence; empty for the same.
        downloads: files that can be downloaded; empty if there are none.
        wanted: which files to put where, for a sentence.
        default_target: the class that attacks lead to unless another is chosen.
        example_class: the class whose image pages show first.
    """

    required: ClassVar[tuple[str, ...]] = ("name", "wanted")
    name: str
    wanted: str
    title: str = ""
    downloads: tuple[Download, ...] = ()
    default_target: int = 0
    example_class: int = 0

    @abstractmethod
    def locate(self, root: Path) -> Found | None:
        """Where the dataset lies below `root`, or None while it is not all there.

        Raises:
            OSError: it cannot be looked at.
        """

    @abstractmethod
    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """Read the files of what `locate` found."""


class TestFirst(Source):
    """A source that has its test images sooner than the rest."""

    @abstractmethod
    def read_test(self, files: Files, size: int, rng: np.random.Generator) -> Split:
        """The test images that `Source.read` gives for the same `rng`."""


def folders(root: Path, name: str) -> list[Path]:
    """Where a dataset called `name` may lie: its own folder, or the root itself."""
    return [path for path in (root / name, root) if path.is_dir()]
