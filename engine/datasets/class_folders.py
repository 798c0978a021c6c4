"""Datasets with one folder per class, optionally inside one folder per split."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.core.errors import UserError
from engine.datasets import archives, splits
from engine.datasets.archives import Files
from engine.datasets.layout import Layout, find_layout
from engine.datasets.source import Found, Listing, Parts
from engine.datasets.split_folders import joined

VALIDATION_SHARE, TEST_SHARE = 0.1, 0.2
Tracker = Callable[[Sequence[str]], np.ndarray]  # names of images to track numbers, int64 [n]


class ClassFolders:
    """Reads any tree or zip with folders for classes; see `layout.find_layout`."""

    def __init__(self, class_names: Sequence[str] = ()) -> None:
        """With `class_names`, classes are numbered in that order; else sorted by name."""
        self.class_names = tuple(class_names)

    def locate(self, path: Path) -> Found | None:
        """The files of a folder or zip."""
        return locate(path)

    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """See `Source.read`."""
        layout = find_layout(files, self.class_names)
        if layout.unsupported:
            raise UserError(
                f"{len(layout.unsupported)} images are of formats that cannot be read"
                f" ({joined(layout.unsupported)}): convert or remove them, or add the images as a"
                " dataset of your own without them."
            )
        return read_parts(files, layout, size, rng)


def locate(path: Path) -> Found | None:
    """A folder or zip as files; None if there is none."""
    if not path.exists():
        return None
    opener = archives.from_folder if path.is_dir() else archives.from_zip
    return Found((path,), lambda: opener(path))


def read_parts(
    files: Files,
    layout: Layout,
    size: int,
    rng: np.random.Generator,
    find_tracks: Tracker | None = None,
) -> Parts:
    """Read the images of a layout, and choose those for validation and test where none are given.

    Args:
        files: the encoded images.
        layout: which of them are in which split and class.
        size: side of the images in pixels.
        rng: decides which images are for validation, and for test.
        find_tracks: numbers of the objects shown; an object is in one split only. None: no two
            images show the same.

    Raises:
        UserError: an image is damaged, or there are none left for a split.
    """
    train = layout.splits["train"]
    if "test" in layout.splits:
        test = layout.splits["test"]
    else:
        chosen = _choose(train, TEST_SHARE, rng, find_tracks)
        train, test = _take(train, ~chosen), _take(train, chosen)
    if not train.names or not test.names:
        raise UserError("Both training and test images are needed, but one set is empty.")
    if "validation" in layout.splits:
        own = layout.splits["validation"]
        validation = np.repeat([False, True], [len(train.names), len(own.names)])
        train = Listing([*train.names, *own.names], [*train.labels, *own.labels])
    else:
        validation = _choose(train, VALIDATION_SHARE, rng, find_tracks)
    images = train.read(files, size, "Reading training images")
    if find_tracks:
        images = dataclasses.replace(images, tracks=find_tracks(train.names))
    return Parts(layout.classes, images, test.read(files, size, "Reading test images"), validation)


def _choose(
    listing: Listing, share: float, rng: np.random.Generator, find_tracks: Tracker | None
) -> np.ndarray:
    """A share of each class, or of each class's tracks: bool [n]."""
    labels = np.asarray(listing.labels)
    if find_tracks is None:
        return splits.stratified(labels, share, rng)
    return splits.by_track(labels, find_tracks(listing.names), share, rng)


def _take(listing: Listing, chosen: np.ndarray) -> Listing:
    places = np.flatnonzero(chosen).tolist()
    return Listing([listing.names[i] for i in places], [listing.labels[i] for i in places])
