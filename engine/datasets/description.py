"""The file that describes a dataset of one's own: `dataset.json` in its folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engine.core.errors import UNPRINTABLE, UserError
from engine.core.limited_reading import Unfit, read_json_object
from engine.datasets.class_names import check_names
from engine.datasets.decoding import check_size
from engine.datasets.layout import MAX_CLASSES, MAX_NAME
from engine.datasets.tracks import check_pattern

FILE = "dataset.json"
FORMAT = 1
MAX_BYTES = 16 << 20
MAX_TEXT, MAX_ENTRIES = 4096, 20_000


@dataclass(frozen=True)
class Description:
    """A dataset of one's own.

    Attributes:
        path: the folder or zip with the images; relative to the dataset's own folder, or absolute.
        folders: the folder of each class, or its label in a table, in the order of labels.
        class_names: in the same order.
        size: side of the images in pixels, where none is asked for.
        track_pattern: tells tracks from file names; empty if there are none.
        skipped: names of images that cannot be read.
        images: number of images found for each split that has a folder of its own.
        left_out: in words, what is not used.
        format: of this file.
    """

    path: str
    folders: tuple[str, ...]
    class_names: tuple[str, ...]
    size: int
    track_pattern: str
    skipped: tuple[str, ...]
    images: Mapping[str, int]
    left_out: tuple[str, ...]
    format: int = FORMAT

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"


def check(name: str, description: Description) -> None:
    """Check what is about to be written, so that it can be read again.

    Raises:
        UserError: a name or path in it is too long, or cannot be shown.
    """
    try:
        _checked(json.loads(description.to_json()))
    except Unfit as error:
        raise UserError(
            f"No dataset '{name}' can be made of this ({error}): give folders and files shorter and"
            " plainer names."
        ) from error


def read(path: Path) -> Description:
    """Read and check a description.

    Raises:
        UserError: it cannot be read, or something in it is not what it should be.
    """
    try:
        return _checked(read_json_object(path, MAX_BYTES))
    except (ValueError, OSError, RecursionError, UserError) as error:
        reason = str(error).rstrip(".") if isinstance(error, Unfit | UserError) else "damaged"
        raise UserError(
            f"The dataset '{path.parent.name}' cannot be used: {path} is not what it should be"
            f" ({reason}). Remove the dataset and add it again."
        ) from error


def _checked(found: dict[str, Any]) -> Description:
    names = {each.name for each in fields(Description)}
    _require(set(found) == names, "it lacks a field, or has one too many")
    _require(found["format"] == FORMAT, f"this program reads format {FORMAT}")
    description = Description(**{name: _FIELDS[name](found[name]) for name in names})
    _require(len(description.folders) == len(description.class_names), "a class has no name")
    _require(2 <= len(description.folders) <= MAX_CLASSES, "it has too few or too many classes")
    _require(len(set(description.folders)) == len(description.folders), "it names a folder twice")
    check_names(description.class_names)
    check_size(description.size)
    if description.track_pattern:
        check_pattern(description.track_pattern)
    return description


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Unfit(otherwise)


def _text(value: Any) -> str:
    _require(isinstance(value, str) and len(value) <= MAX_TEXT, "a text is none, or too long")
    _require(not UNPRINTABLE.search(value), "a text holds characters that cannot be shown")
    text: str = value
    return text


def _texts(value: Any) -> tuple[str, ...]:
    _require(isinstance(value, list) and len(value) <= MAX_ENTRIES, "a list is none, or too long")
    return tuple(_text(each) for each in value)


def _folders(value: Any) -> tuple[str, ...]:
    names = _texts(value)
    _require(all(len(name) <= MAX_NAME for name in names), "a folder's name is too long")
    return names


def _number(value: Any) -> int:
    _require(type(value) is int and 0 <= value < 1e9, "a number is none, or far too large")
    number: int = value
    return number


def _counts(value: Any) -> dict[str, int]:
    _require(isinstance(value, dict) and len(value) <= 3, "its images are no table")
    return {_text(name): _number(count) for name, count in value.items()}


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "path": _text,
    "folders": _folders,
    "class_names": _texts,
    "size": _number,
    "track_pattern": _text,
    "skipped": _texts,
    "images": _counts,
    "left_out": _texts,
    "format": _number,
}
