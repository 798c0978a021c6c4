"""Uploaded archives, kept on the disk until they become a dataset."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

from streamlit.runtime.uploaded_file_manager import UploadedFile

from engine.core import atomic_files, paths

MAX_MEGABYTES = 256  # of a zip; larger ones are given by their path
_ABANDONED = 24 * 3600  # seconds


def _folder() -> Path:
    return paths.cache_folder() / "uploads"


def keep(file: UploadedFile) -> Path:
    """Write an upload to the disk, once, and return its path."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", Path(file.name).name)[-80:]
    path = _folder() / file.file_id / plain
    if not path.exists():
        _sweep()
        with atomic_files.new_file(path) as aside, aside.open("wb") as target:
            target.write(file.getbuffer())
    return path


def is_upload(path: Path) -> bool:
    """Whether a path is that of an upload."""
    return path.is_relative_to(_folder())


def forget(path: Path) -> None:
    """Delete an upload."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def _sweep() -> None:
    """Delete what nobody made a dataset of within a day."""
    for path in _folder().glob("*/*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                forget(path)
