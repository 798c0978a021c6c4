"""Find the splits and the classes of images from the names of their folders and from tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.core.errors import UserError, quoted
from engine.datasets import label_tables
from engine.datasets.archives import Files
from engine.datasets.dataset import SplitName
from engine.datasets.decoding import SUFFIXES
from engine.datasets.image_tree import grow, is_image
from engine.datasets.source import Listing
from engine.datasets.split_folders import LeftOut, Part, divide, joined

UNSUPPORTED = (".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".svg", ".psd", ".ico")
MAX_CLASSES, MAX_NAME = 1000, 200  # the limits of a model card


@dataclass(frozen=True)
class Layout:
    """Where the images of each split and class are.

    Attributes:
        classes: the name of each class's folder, or its label in a table, in the order of labels.
        splits: the images of "train", and of "validation" and "test" where they have their own.
        left_out: everything else in the archive.
        unsupported: images in formats that cannot be read.
    """

    classes: tuple[str, ...]
    splits: Mapping[SplitName, Listing]
    left_out: tuple[LeftOut, ...]
    unsupported: tuple[str, ...]

    def images(self) -> list[str]:
        """The names of the images of all splits."""
        return [name for listing in self.splits.values() for name in listing.names]


def find_layout(files: Files, classes: Sequence[str] = ()) -> Layout:
    """Find the splits and classes of the images in `files`.

    Args:
        files: an opened archive or folder.
        classes: the class folders in order, if they are known; else they are sorted.

    Raises:
        UserError: the folders mix splits with classes, the splits have different classes, or
            there are fewer than two classes or more than a model card holds.
    """
    parts, left_out = divide(grow(files))
    parts = {split: _labelled(part, files, left_out) for split, part in parts.items()}
    train = parts["train"]
    order = tuple(classes) or sort_classes(train.classes)
    _check(order, train)
    numbers = _Numbers(order)
    splits: dict[SplitName, Listing] = {}
    for split, part in parts.items():
        if split != "train" and _is_flat(part, numbers):
            left_out.append(LeftOut(f"{split} images without a label", tuple(part.all_images())))
        elif any(part.classes.values()):
            splits[split] = _listing(part, numbers)
    return Layout(order, splits, *_rest(files, splits, left_out))


def without(layout: Layout, names: Iterable[str]) -> Layout:
    """The layout without some images.

    Raises:
        UserError: a class is left without training images.
    """
    gone = set(names)
    splits = {split: _kept(listing, gone) for split, listing in layout.splits.items()}
    filled = set(splits["train"].labels)
    empty = [name for number, name in enumerate(layout.classes) if number not in filled]
    if empty:
        raise UserError(
            f"The class {quoted(empty[0])} has no training image that can be read: add some, or"
            " remove its folder."
        )
    return replace(layout, splits={split: each for split, each in splits.items() if each.names})


def _kept(listing: Listing, gone: set[str]) -> Listing:
    pairs = zip(listing.names, listing.labels, strict=True)
    kept = [(name, label) for name, label in pairs if name not in gone]
    return Listing([name for name, _ in kept], [label for _, label in kept])


def in_order(layout: Layout, classes: Sequence[str]) -> Layout:
    """The layout with its classes numbered in another order."""
    numbers = [classes.index(name) for name in layout.classes]
    splits = {
        split: Listing(listing.names, [numbers[label] for label in listing.labels])
        for split, listing in layout.splits.items()
    }
    return replace(layout, classes=tuple(classes), splits=splits)


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in order: numerically if all are numbers, else alphabetically."""
    found = sorted(names)
    numbers = all(re.fullmatch("[0-9]{1,18}", name) for name in found)
    return tuple(sorted(found, key=int) if numbers else found)


def _labelled(part: Part, files: Files, left_out: list[LeftOut]) -> Part:
    """A split without class folders, sorted by the table that lists its images, if there is one."""
    if sum(map(bool, part.classes.values())) > 1:
        return part
    names = part.all_images()
    labels = label_tables.find_labels(files, names)
    if not labels:
        return part
    unlisted = tuple(name for name in names if name not in labels)
    if unlisted:
        left_out.append(LeftOut("images that the table of labels does not list", unlisted))
    classes: dict[str, list[str]] = {}
    for name, label in labels.items():
        classes.setdefault(label, []).append(name)
    return Part(part.place, classes)


def _check(order: Sequence[str], train: Part) -> None:
    """Raise unless the classes suit a model card, and each has training images."""
    if len(order) < 2:
        loose = f", and {len(train.loose)} images lie outside of them" if train.loose else ""
        raise UserError(
            f"At least two classes are needed, one folder each, but {len(order)} were found{loose}."
        )
    if len(order) > MAX_CLASSES:
        raise UserError(f"There are {len(order)} classes: choose {MAX_CLASSES} at most.")
    overlong = next((name for name in order if len(name) > MAX_NAME), None)
    if overlong is not None:
        raise UserError(
            f"The name of the class {quoted(overlong)} is too long: {MAX_NAME} letters at most."
        )
    empty = [name for name in order if not train.classes.get(name)]
    if empty:
        raise UserError(
            f"The class {empty[0]} has no training images ({', '.join(SUFFIXES)}):"
            " put some into its folder, or remove the folder."
        )


class _Numbers:
    """The number of a class by its name, which may differ in case or in leading zeros."""

    def __init__(self, order: Sequence[str]) -> None:
        self.order = order
        self._exact = {name: number for number, name in enumerate(order)}
        self._loose = {same_class(name): number for number, name in enumerate(order)}

    def get(self, name: str) -> int | None:
        """The number of a class; None if there is none of that name."""
        return self._exact.get(name, self._loose.get(same_class(name)))


def same_class(name: str) -> str:
    """What two names of a class have in common that differ in case or in leading zeros only."""
    return str(int(name)) if re.fullmatch("[0-9]{1,18}", name) else name.casefold()


def _is_flat(part: Part, numbers: _Numbers) -> bool:
    """Whether a split's images lie in one folder that is no class's, or in none."""
    filled = [name for name, images in part.classes.items() if images]
    return not filled or (len(filled) == 1 and numbers.get(filled[0]) is None)


def _listing(part: Part, numbers: _Numbers) -> Listing:
    names: list[str] = []
    labels: list[int] = []
    for folder, images in sorted(part.classes.items()):
        if not images:
            continue
        number = numbers.get(folder)
        if number is None:
            raise UserError(
                f"The folder {quoted(folder)} in {part.place or 'the archive'} is not one of the"
                f" classes: {joined(numbers.order)}."
            )
        names += images
        labels += [number] * len(images)
    return Listing(names, labels)


def _rest(
    files: Files, splits: Mapping[SplitName, Listing], known: Sequence[LeftOut]
) -> tuple[tuple[LeftOut, ...], tuple[str, ...]]:
    """Everything that is in no split, and the images of formats that cannot be read."""
    used = {name for listing in splits.values() for name in listing.names}
    used.update(name for group in known for name in group.names)
    rest = [name for name in files if name not in used]
    unsupported = tuple(name for name in rest if name.lower().endswith(UNSUPPORTED))
    groups = [
        *known,
        LeftOut("images outside the class folders", tuple(filter(is_image, rest))),
        LeftOut(
            "files that are no images",
            tuple(name for name in rest if not name.lower().endswith((*SUFFIXES, *UNSUPPORTED))),
        ),
        LeftOut("hidden files and links", files.hidden),
    ]
    return tuple(group for group in groups if group.names), unsupported
