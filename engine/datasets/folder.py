"""The user's own images, one folder per class: ``folder:PATH``."""

from __future__ import annotations

import os
from pathlib import Path

from engine.datasets.class_folders import ClassFolders
from engine.datasets.source import Found, Source


class Folder(ClassFolders, Source):
    """A folder or zip with one folder per class, optionally inside ``train`` and ``test``."""

    wanted = "a folder or zip with a folder of images for each class, or train and test above them"

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.name = f"folder:{path}"

    def locate(self, root: Path) -> Found | None:
        """See `Source.locate`."""
        return super().locate(self.place(root))

    def place(self, root: Path) -> Path:
        """The path, relative to `root` unless it is absolute."""
        path = self.path.replace("\0", "\\0")  # system calls reject NUL; this is simply not found
        return root / os.path.expanduser(path)  # noqa: PTH111 - an unknown ~user is no error
