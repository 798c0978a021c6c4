"""The folders of an archive as a tree, with the images in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.datasets.archives import Files
from engine.datasets.decoding import SUFFIXES

MAX_DEPTH = 12  # what lies deeper counts as lying there


@dataclass
class Folder:
    """A folder of an archive.

    Attributes:
        path: its name from the top, ending in "/"; empty for the top itself.
        images: names of the images directly in it, in order.
        folders: the folders in it, by name.
        count: number of images in it and below.
    """

    path: str = ""
    images: list[str] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    count: int = 0

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def filled(self) -> dict[str, Folder]:
        """The folders in it that hold images, by name."""
        return {name: inner for name, inner in self.folders.items() if inner.count}

    def all_images(self) -> list[str]:
        """The names of the images in it and below, sorted."""
        return sorted(self._below())

    def _below(self) -> Iterator[str]:
        yield from self.images
        for inner in self.folders.values():
            yield from inner._below()

    def relative(self) -> set[str]:
        """The images' names below the folder, in lower case."""
        return {name[len(self.path) :].casefold() for name in self._below()}

    def relative_to_others(self, without: Folder) -> set[str]:
        """As `relative`, without the images of one of the folders in it."""
        return self.relative() - {name[len(self.path) :].casefold() for name in without._below()}

    def without_wrappers(self) -> Folder:
        """The folder inside which the first choice between folders is to be made."""
        folder = self
        while len(folder.filled) == 1:
            (only,) = folder.filled.values()
            if not only.filled:
                break
            folder = only
        return folder


def is_image(name: str) -> bool:
    """Whether a file is an image of a supported format, by its name."""
    return name.lower().endswith(SUFFIXES)


def grow(files: Files) -> Folder:
    """The tree of all folders; their images are those of supported formats."""
    top = Folder()
    for name in sorted(files.folders):
        _reach(top, name.split("/"))
    for name in sorted(files):
        *parents, _ = name.split("/")
        passed = _reach(top, parents)
        if is_image(name):
            passed[-1].images.append(name)
            for folder in passed:
                folder.count += 1
    return top


def _reach(top: Folder, parts: list[str]) -> list[Folder]:
    """The folders on the way down, made where they are missing."""
    passed = [top]
    for part in parts[:MAX_DEPTH]:
        last = passed[-1]
        if part not in last.folders:
            last.folders[part] = Folder(f"{last.path}{part}/")
        passed.append(last.folders[part])
    return passed
