"""Datasets of one's own: a zip or folder of images, known by a name.

Each is a folder below `datasets/` with a `dataset.json`, and a copy of the zip if there is one.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np

from engine.core import atomic_files, command_line, paths, read_only
from engine.core.errors import UserError, quoted
from engine.core.names import is_name
from engine.datasets import description, tracks
from engine.datasets.archives import Files
from engine.datasets.class_folders import locate, read_parts
from engine.datasets.description import Description
from engine.datasets.findings import (
    Findings,
    Options,
    check_readable,
    describe_group,
    examine,
)
from engine.datasets.layout import find_layout, without
from engine.datasets.source import Found, Parts, Source
from engine.datasets.sources import SOURCES

ACTIONS = ("add", "check", "list", "remove")  # second words of the command `data`
COPY = "images.zip"  # of an uploaded archive


class Own(Source):
    """A dataset that the user added."""

    wanted = "the folder or zip it was added from"

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def description(self) -> Description:
        """What is known about it.

        Raises:
            UserError: its `dataset.json` is damaged or missing.
        """
        return description.read(folder_of(self.name) / description.FILE)

    @property
    def place(self) -> Path:
        """The folder or zip with its images; errors as for `description`."""
        return folder_of(self.name) / self.description.path

    @property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the classes; errors as for `description`."""
        return self.description.class_names

    @property
    def default_size(self) -> int:  # type: ignore[override]
        """Side of the images in pixels; errors as for `description`."""
        return self.description.size

    def locate(self, _: Path) -> Found | None:
        """See `Source.locate`."""
        found = locate(self.place)
        if found is None:
            return None
        return Found((*found.origins, folder_of(self.name) / description.FILE), found.open)

    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """See `Source.read`; what was found when it was added is found again."""
        about = self.description
        try:
            layout = without(find_layout(files, about.folders), about.skipped)
        except UserError as error:
            raise UserError(
                f"The images of the dataset '{self.name}' have changed since it was added"
                f" ({str(error).rstrip('.')}): remove it and add it again."
            ) from error
        find = partial(tracks.find_tracks, about.track_pattern) if about.track_pattern else None
        parts = read_parts(files, layout, size, rng, find)
        return Parts(about.class_names, parts.train, parts.test, parts.validation)


def names() -> tuple[str, ...]:
    """The names of all datasets of one's own, whether or not they can be used."""
    found = paths.datasets_folder().glob(f"*/{description.FILE}")
    return tuple(sorted(path.parent.name for path in found if is_name(path.parent.name)))


def folder_of(name: str) -> Path:
    """The folder that describes a dataset of one's own."""
    return paths.datasets_folder() / name


def check_name(name: str) -> str:
    """`name`, if a new dataset may be called that.

    Raises:
        UserError: it cannot be a folder's, or there is such a dataset already.
    """
    if not is_name(name):
        raise UserError(
            f"A dataset cannot be called {quoted(name)}: use small letters, digits, '-', '.' and"
            " '_' (80 at most), starting with a letter or digit."
        )
    if name in ACTIONS:
        raise UserError(f"'{name}' is what a command does: choose another name for the dataset.")
    if name in SOURCES:
        raise UserError(
            f"A dataset that comes with the program is called '{name}': choose another."
        )
    if folder_of(name).exists():
        raise UserError(
            f"There is a dataset '{name}' already: choose another name, or remove it first with"
            f" `{command_line.command('data', 'remove', name)}`."
        )
    return name


def add(name: str, path: Path, options: Options | None = None, copy: bool = False) -> Findings:
    """Make a dataset of a folder or zip.

    Args:
        name: what it is called from then on.
        path: of the folder or zip.
        options: see `Options`.
        copy: whether to keep a copy of the zip; else it is read where it is.

    Returns:
        What was found.

    Raises:
        UserError: the name is taken, images cannot be read, or see `findings.examine`.
    """
    options = options or Options()
    check_name(name)
    found = examine(path.resolve(), options)
    if not options.skip_damaged:
        check_readable(found)
    keep(name, found, copy)
    return found


def keep(name: str, found: Findings, copy: bool = False) -> None:
    """Make a dataset of what was found, without the images that cannot be read.

    Raises:
        UserError: the name is taken, what was found cannot be described, or the files cannot be
            written.
    """
    read_only.check()
    check_name(name)
    if copy and found.path.is_dir():
        raise UserError(f"A copy is kept of a zip archive only, and {found.path} is a folder.")
    about = Description(
        path=COPY if copy else str(found.path),
        folders=found.layout.classes,
        class_names=found.class_names,
        size=found.size,
        track_pattern=found.track_pattern,
        skipped=found.damaged,
        images={split: len(each.names) for split, each in found.layout.splits.items()},
        left_out=tuple(describe_group(group) for group in found.left_out),
    )
    description.check(name, about)
    with atomic_files.new_folder(folder_of(name)) as aside:
        if copy:
            shutil.copyfile(found.path, aside / COPY)
        (aside / description.FILE).write_text(about.to_json(), encoding="utf-8")


def remove(name: str) -> None:
    """Forget a dataset of one's own; images outside of its folder stay.

    Raises:
        UserError: there is none of that name.
    """
    read_only.check()
    if name not in names():
        raise UserError(
            f"There is no dataset '{name}' of your own: choose from {', '.join(names())}."
            if names()
            else "There is no dataset of your own."
        )
    with atomic_files.changing(paths.datasets_folder()):
        atomic_files.remove_folder(folder_of(name), within=paths.datasets_folder())
