"""Datasets with one folder per class, optionally inside one folder per split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from engine.core.errors import UserError, quoted
from engine.datasets import archives, splits
from engine.datasets.archives import Files
from engine.datasets.decoding import SUFFIXES
from engine.datasets.source import Found, Listing, Parts

VALIDATION_SHARE, TEST_SHARE = 0.1, 0.2
MAX_CLASSES, MAX_NAME = 1000, 200  # the limits of a model card
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}


class ClassFolders:
    """Reads any class-per-folder tree or zip."""

    def __init__(self, class_names: Sequence[str] = ()) -> None:
        """With `class_names`, classes are numbered in that order; else sorted by name."""
        self.class_names = tuple(class_names)

    def locate(self, path: Path) -> Found | None:
        """The files of a folder or zip, without wrapper folders above the splits or classes."""
        if not path.exists():
            return None
        opener = archives.from_folder if path.is_dir() else archives.from_zip
        return Found((path,), lambda: _strip_wrapper_folders(opener(path)))

    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """See `Source.read`."""
        images = {name for name in files if name.lower().endswith(SUFFIXES)}
        tops = {name.split("/")[0] for name in images}
        train_top, validation_top, test_top = (_match(tops, names) for names in _SPLITS.values())
        if not train_top:  # without a train folder, "valid" and "test" are class names
            validation_top = test_top = None
        found = _class_folders(files, train_top)
        names = self.class_names or _sorted(found)
        if len(names) < 2:
            raise UserError(
                f"At least two classes are needed, one folder each, but {len(names)} were found."
            )
        if len(names) > MAX_CLASSES:
            raise UserError(f"There are {len(names)} classes: choose {MAX_CLASSES} at most.")
        overlong = next((name for name in names if len(name) > MAX_NAME), None)
        if overlong is not None:
            raise UserError(
                f"The name of the class {quoted(overlong)} is too long: {MAX_NAME} letters at most."
            )
        empty = [name for name in names if not found.get(name)]
        if empty:
            raise UserError(
                f"The class {empty[0]} has no training images ({', '.join(SUFFIXES)}):"
                " put some into its folder, or remove the folder."
            )
        train = _listing(files, train_top, names)
        if test_top:
            test = _listing(files, test_top, names)
        else:
            train, test = _split_off_test(train, rng)
        if not train.names or not test.names:
            raise UserError("Both training and test images are needed, but one set is empty.")
        if validation_top:
            own = _listing(files, validation_top, names)
            validation = np.repeat([False, True], [len(train.names), len(own.names)])
            train = Listing([*train.names, *own.names], [*train.labels, *own.labels])
        else:
            validation = splits.stratified(np.asarray(train.labels), VALIDATION_SHARE, rng)
        return Parts(
            names,
            (train.read(files, size, "Reading training images")),
            (test.read(files, size, "Reading test images")),
            validation,
        )


def _strip_wrapper_folders(files: Files) -> Files:
    """Strip outer folders that contain only one other folder."""
    while True:
        names = [name for name in files if name.lower().endswith(SUFFIXES)]
        tops = {name.split("/")[0] for name in names}
        known = {alias for aliases in _SPLITS.values() for alias in aliases}
        deep = all(name.count("/") >= 2 for name in names)
        if len(tops) != 1 or not deep or tops & known:
            return files
        files = files.below(f"{tops.pop()}/")


def _match(tops: set[str], names: Sequence[str]) -> str | None:
    return next((top for top in sorted(tops) if top.lower() in names), None)


def _class_folders(files: Files, top: str | None) -> dict[str, list[str]]:
    """Class folders directly below `top` (None: at the root), each with all images inside it."""
    prefix = f"{top}/" if top else ""
    found: dict[str, list[str]] = {
        name.removeprefix(prefix): []
        for name in files.folders
        if name.startswith(prefix) and "/" not in name.removeprefix(prefix)
    }
    for name in sorted(files):
        folder, _, rest = name.removeprefix(prefix).partition("/")
        if rest and name.startswith(prefix):
            images = found.setdefault(folder, [])
            if name.lower().endswith(SUFFIXES):
                images.append(name)
    return found


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in order: numerically if all are numbers, else alphabetically."""
    found = sorted(names)
    numbers = all(re.fullmatch("[0-9]{1,18}", name) for name in found)
    return tuple(sorted(found, key=int) if numbers else found)


def _listing(files: Files, top: str | None, classes: Sequence[str]) -> Listing:
    numbers = {name: number for number, name in enumerate(classes)}
    names: list[str] = []
    labels: list[int] = []
    for folder, images in sorted(_class_folders(files, top).items()):
        if not images:
            continue
        if folder not in numbers:
            raise UserError(
                f"The folder {quoted(folder)} in {top} is not one of the classes:"
                f" {', '.join(classes[:12])}."
            )
        names += images
        labels += [numbers[folder]] * len(images)
    return Listing(names, labels)


def _split_off_test(train: Listing, rng: np.random.Generator) -> tuple[Listing, Listing]:
    """Split off a fifth of each class as test images, if the dataset has no test split."""
    test = splits.stratified(np.asarray(train.labels), TEST_SHARE, rng)

    def part(chosen: np.ndarray) -> Listing:
        places = np.flatnonzero(chosen).tolist()
        return Listing([train.names[i] for i in places], [train.labels[i] for i in places])

    return part(~test), part(test)
