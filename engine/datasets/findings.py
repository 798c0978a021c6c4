"""Look through somebody's images before they become a dataset: what is found, what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import UserError
from engine.datasets import class_names, tracks
from engine.datasets.archives import Files
from engine.datasets.class_folders import locate
from engine.datasets.dataset import SPLITS, SplitName
from engine.datasets.decoding import Inspection, check_size, inspect_all
from engine.datasets.layout import Layout, find_layout, in_order, without
from engine.datasets.source import Listing
from engine.datasets.split_folders import LeftOut, joined

USUAL_SIZE, LARGEST_SUGGESTED = 32, 64  # pixels
MAX_DAMAGED = 10_000
DAMAGED, UNSUPPORTED = "damaged images", "images of formats that cannot be read"


@dataclass(frozen=True)
class Options:
    """What the user says about the images.

    Attributes:
        names: the name of each class by its folder; empty: found, or as the folders.
        names_file: a file with the names of the classes; see `class_names.read_file`.
        track_pattern: tells from file names which images show the same object; see `tracks`.
        size: side of the images in pixels; None: what suits them.
        skip_damaged: whether to go on without images that cannot be read.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    names_file: Path | None = None
    track_pattern: str = ""
    size: int | None = None
    skip_damaged: bool = False


@dataclass(frozen=True)
class Findings:
    """What was found in a folder or zip.

    Attributes:
        path: of the folder or zip.
        layout: the images that can be used, by split and class.
        class_names: in the order of `layout.classes`.
        names_from: the file in the archive that the names come from; empty if none.
        sizes: number of images of each (width, height) in pixels, the most frequent first.
        grey: number of images without colour.
        damaged: names of images that cannot be read, in formats that can.
        left_out: everything that is not used, with the reason.
        size: side in pixels that the dataset's images get.
        track_pattern: the pattern in use; empty if none.
        tracks: number of objects that it tells apart; None without one.
        suggested_pattern: a pattern that suits the names; empty if none does.
    """

    path: Path
    layout: Layout
    class_names: tuple[str, ...]
    names_from: str
    sizes: Mapping[tuple[int, int], int]
    grey: int
    damaged: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    size: int
    track_pattern: str
    tracks: int | None
    suggested_pattern: str

    @property
    def images(self) -> int:
        """Number of images that can be used."""
        return len(self.layout.images())

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Names of images that are damaged or of an unsupported format."""
        return (*self.damaged, *self.layout.unsupported)

    def per_class(self) -> list[dict[str, str | int]]:
        """A row for each class: its folder, its name, and its images in each split."""
        counts = {split: Counter(each.labels) for split, each in self.layout.splits.items()}
        return [
            {
                "folder": folder,
                "class": self.class_names[label],
                **{split: counts[split][label] for split in SPLITS if split in counts},
            }
            for label, folder in enumerate(self.layout.classes)
        ]


def examine(path: Path, options: Options | None = None) -> Findings:
    """Look through a folder or zip of images; every one is decoded.

    Images that cannot be read are counted and left out, whatever `options.skip_damaged` says.

    Raises:
        UserError: nothing is there, splits and classes cannot be told apart, or an option does
            not fit.
    """
    options = options or Options()
    if options.size is not None:
        check_size(options.size)
    found = locate(path)
    if found is None:
        raise UserError(f"There is nothing at {path}: give a folder or a zip archive of images.")
    files = found.open()
    whole = find_layout(files)
    whole, names, names_from = _name_classes(files, whole, options)
    inspection = inspect_all(files, whole.images(), "Looking through the images")
    if len(inspection.damaged) > MAX_DAMAGED:
        raise UserError(
            f"{len(inspection.damaged)} of the {len(whole.images())} images cannot be read, such"
            f" as {joined(inspection.damaged, 3)}: copy or fetch them again."
        )
    layout = without(whole, inspection.damaged)
    pattern = options.track_pattern
    return Findings(
        path=path,
        layout=layout,
        class_names=names,
        names_from=names_from,
        sizes=inspection.sizes,
        grey=inspection.grey,
        damaged=inspection.damaged,
        left_out=_left_out(whole, inspection),
        size=options.size or _suggest_size(inspection.sizes),
        track_pattern=pattern,
        tracks=count_tracks(pattern, layout) if pattern else None,
        suggested_pattern=tracks.suggest_pattern(layout.splits["train"].names),
    )


def count_tracks(pattern: str, layout: Layout) -> int:
    """How many objects a pattern tells apart in the training images, class by class.

    Raises:
        UserError: see `tracks.find_tracks`.
    """
    train = layout.splits["train"]
    found = tracks.find_tracks(pattern, train.names)
    return len(set(zip(train.labels, found.tolist(), strict=True)))


def check_readable(findings: Findings) -> None:
    """Raise a `UserError` that names images that cannot be read, if there are any."""
    count = len(findings.unreadable)
    if count:
        images = "image" if count == 1 else "images"
        raise UserError(
            f"{count} {images} cannot be read ({joined(findings.unreadable)}): repair or remove"
            " them, or go on without them with --skip-damaged."
        )


def _name_classes(
    files: Files, layout: Layout, options: Options
) -> tuple[Layout, tuple[str, ...], str]:
    """The classes in the order of their labels, their names, and the file that gives them."""
    folders, names, origin = layout.classes, layout.classes, ""
    if options.names_file is not None:
        folders, names = class_names.read_file(options.names_file, folders)
    elif found := class_names.find(files, folders):
        origin, (folders, names) = found
    if options.names:
        names = tuple(
            options.names.get(folder, name) for folder, name in zip(folders, names, strict=True)
        )
    class_names.check_names(names)
    return in_order(layout, folders), names, origin


def _left_out(layout: Layout, inspection: Inspection) -> tuple[LeftOut, ...]:
    groups = (
        LeftOut(DAMAGED, inspection.damaged),
        LeftOut(UNSUPPORTED, layout.unsupported),
        *layout.left_out,
    )
    return tuple(group for group in groups if group.names)


def _suggest_size(sizes: Mapping[tuple[int, int], int]) -> int:
    """The side of most images, if most have the same; not more than suits a small network."""
    (width, height), count = next(iter(sizes.items()))
    if 2 * count <= sum(sizes.values()):
        return USUAL_SIZE
    return min(max(min(width, height), 8), LARGEST_SUGGESTED)


def describe(findings: Findings) -> dict[str, object]:
    """The findings in words and numbers, as a command answers."""
    splits = findings.layout.splits
    total = sum(findings.sizes.values())
    shown = list(findings.sizes.items())[:3]
    sizes = [f"{width} x {height} ({count})" for (width, height), count in shown]
    more = len(findings.sizes) - len(shown)
    return {
        "classes": len(findings.class_names),
        "images": {split: len(each.names) for split, each in splits.items()},
        "chosen_at_random": _chosen(splits) or "nothing",
        "image_sizes": [*sizes, *([f"{more} more sizes"] if more else [])],
        "colour": "grey"
        if findings.grey == total
        else f"{findings.grey} of {total} are grey"
        if findings.grey
        else "colour",
        "size": findings.size,
        "names_from": findings.names_from or "the folders",
        "tracks": findings.tracks if findings.tracks is not None else "none",
        **(
            {"suggested_track_pattern": findings.suggested_pattern}
            if findings.suggested_pattern and not findings.track_pattern
            else {}
        ),
        "left_out": [
            {
                "files": len(group.names),
                "what": group.reason,
                "such_as": joined(group.names, 2),
            }
            for group in findings.left_out
        ]
        or "nothing",
        "per_class": findings.per_class(),
    }


def describe_group(group: LeftOut) -> str:
    """What is left out, how many, and the first few."""
    return f"{group.reason}: {len(group.names)} ({joined(group.names, 3)})"


def _chosen(splits: Mapping[SplitName, Listing]) -> list[SplitName]:
    """The splits that are chosen at random among the training images."""
    return [split for split in SPLITS if split not in splits]
