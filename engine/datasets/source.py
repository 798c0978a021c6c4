"""The contract that every kind of dataset fulfils."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from engine.core.errors import UserError, quoted
from engine.datasets.archives import Files
from engine.datasets.dataset import Split
from engine.datasets.decoding import decode_all
from engine.datasets.download import Download

MAX_ENTRIES = 30  # of a folder that may hold more folders worth a look


@dataclass(frozen=True)
class Listing:
    """Names of encoded images and their labels.

    Attributes:
        names: keys into `Files`.
        labels: one class number per name.
    """

    names: Sequence[str]
    labels: Sequence[int]

    def read(self, files: Files, size: int, message: str) -> Split:
        """Decode all images to uint8 [n, size, size, 3].

        Raises:
            UserError: an image is missing or damaged, or there is too little memory.
        """
        absent = next((name for name in self.names if name not in files), None)
        if absent is not None:
            raise UserError(f"The image {quoted(absent)} is listed but missing.")
        images = decode_all(files, self.names, size, message)
        return Split(images, np.asarray(self.labels, np.int64))


@dataclass(frozen=True)
class Parts:
    """A dataset as read: the official splits, and which training images are for validation.

    Attributes:
        class_names: in the order of the labels.
        train: training and validation images together, n in all.
        test: images used for reporting only.
        validation: bool [n], true for the images of `train` that are for validation.
    """

    class_names: tuple[str, ...]
    train: Split
    test: Split
    validation: np.ndarray


@dataclass(frozen=True)
class Found:
    """A dataset's files, located but not opened.

    Attributes:
        origins: the archives and folders that hold it; a change to them invalidates the cache.
        open: opens them and returns their files.
    """

    origins: tuple[Path, ...]
    open: Callable[[], Files]


class Source(ABC):
    """A kind of dataset: where its files are and how to read them.

    Attributes:
        name: its name on the command line and on model cards.
        title: its name in a sentence; empty if it is the same as `name`.
        downloads: files that can be downloaded; empty if there are none.
        class_names: in the order of the labels; empty while they are not known without reading.
        wanted: which files to put where, as part of a sentence.
        default_size: side of the images in pixels, where none is asked for.
        default_target: the default target class of attacks.
        example_class: the class whose images the pages show first.
        can_mirror: whether a mirror image always shows the same class.
        is_grey: whether all images are known to be grey.
    """

    required: ClassVar[tuple[str, ...]] = ("name", "wanted")
    name: str
    wanted: str
    title: str = ""
    downloads: tuple[Download, ...] = ()
    class_names: tuple[str, ...] = ()
    default_size: int = 32
    default_target: int = 0
    example_class: int = 0
    can_mirror: bool = False
    is_grey: bool = False

    @abstractmethod
    def locate(self, root: Path) -> Found | None:
        """Find the dataset's files below `root`; None if any are missing.

        Raises:
            OSError: the files cannot be inspected.
        """

    @abstractmethod
    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """Read the files that `locate` found.

        Args:
            files: as returned by `Found.open`.
            size: side of the images in pixels.
            rng: decides which images are for validation.

        Raises:
            UserError: files are missing or damaged.
        """


class TestFirst(Source):
    """A source that can provide its test images without reading the rest."""

    @abstractmethod
    def read_test(self, files: Files, size: int, rng: np.random.Generator) -> Split:
        """The test images that `Source.read` gives for the same `rng`."""


class ClassFirst(TestFirst):
    """A source that can provide the test images of one class sooner than those of all."""

    @abstractmethod
    def read_test_class(
        self, files: Files, size: int, label: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, Split]:
        """The images of one class in what `read_test` gives for the same `rng`.

        Returns:
            Their indices in the test split, int64 [n], and the images.
        """


def folders(root: Path, name: str) -> list[Path]:
    """Folders where a dataset called `name` may be: one of its own, or the root itself.

    Its own may also be called otherwise, such as "GTSRB" or "CIFAR-10".
    """
    return [path for path in (root / name, root, *_alike(root, name)) if path.is_dir()]


def folder_names(names: Iterable[str]) -> list[str]:
    """Those of the names that look like a folder's, without asking the disk."""
    return [name for name in names if "." not in name]


def _alike(root: Path, name: str) -> list[Path]:
    """What in `root` is called `name` but for case and punctuation; not that itself."""
    if not root.is_dir():
        return []
    others = sorted(entry.name for entry in os.scandir(root) if entry.name != name)
    return [root / other for other in others if _plain(other) == _plain(name)]


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def lying_there(root: Path, name: str, downloads: Sequence[Download]) -> list[Path]:
    """What a folder of that dataset's name holds, besides files that were downloaded to it."""
    official = {item.name for item in downloads}
    found = []
    for folder in (root / name, *_alike(root, name)):
        if folder.is_dir():
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            found += [Path(entry.path) for entry in entries if entry.name[0] != "."]
    return [path for path in found if path.name not in official]


def walk(folder: Path, depth: int) -> Iterator[tuple[Path, list[str]]]:
    """Folders and the names in them, down to a depth; the largest are not entered.

    It is called before every look at a page, so folders of images are to be passed over.
    """
    names = sorted(entry.name for entry in os.scandir(folder))
    yield folder, names
    if depth == 0 or len(names) > MAX_ENTRIES:
        return
    for name in names:
        inner = folder / name
        if inner.is_dir() and not inner.is_symlink():
            yield from walk(inner, depth - 1)
