"""Any images in a folder for each class: ``folder:PATH``."""

from __future__ import annotations

import os
from pathlib import Path

from engine.datasets.class_folders import ClassFolders
from engine.datasets.source import Found, Source


class Folder(ClassFolders, Source):
    """A class-per-folder tree or zip; ``train`` and ``test`` above the classes, or neither."""

    wanted = "a folder or zip with a folder of images for each class, or train and test above them"

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.name = f"folder:{path}"

    def locate(self, root: Path) -> Found | None:
        """The images at the path."""
        return super().locate(self.place(root))

    def place(self, root: Path) -> Path:
        """The path, counted from `root` unless it is absolute."""
        path = self.path.replace("\0", "\\0")  # nothing is called so, and nothing fails over it
        return root / os.path.expanduser(path)  # noqa: PTH111 - an unknown ~user is no error
