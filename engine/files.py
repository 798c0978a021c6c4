"""Files and folders that are seen whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import LabError

_REASONS = {
    errno.ENOSPC: "the disk is full: free some space and try again",
    errno.EDQUOT: "your disk quota is used up: free some space and try again",
    errno.EACCES: "permission is denied: choose a folder you may write to",
    errno.EPERM: "permission is denied: choose a folder you may write to",
    errno.EROFS: "the disk is read-only: choose a folder you may write to",
}


def trouble(path: Path, error: OSError) -> LabError:
    """The sentence that tells why `path` could not be written."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return LabError(f"Could not write {path}: {reason}.")


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `path` once all is written and on the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
    except OSError as error:
        raise trouble(path, error) from error
    aside = Path(name)
    try:
        yield aside
        _to_disk(aside)
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as error:
        raise trouble(path, error) from error
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path, replace: bool = False) -> Iterator[Path]:
    """A folder to fill; it becomes `path` once all in it is written and on the disk.

    Raises:
        LabError: `path` exists and `replace` is false, or it cannot be written.
    """
    if path.exists() and not replace:
        raise LabError(f"{path} exists already: choose another name, or --replace it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise trouble(path, error) from error
    try:
        yield aside
        for file in aside.rglob("*"):
            if file.is_file():
                _to_disk(file)
        aside.chmod(0o755)
        _put_in_place(aside, path)
    except OSError as error:
        raise trouble(path, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(aside: Path, path: Path) -> None:
    if not path.exists():
        aside.rename(path)
        return
    # A folder cannot be replaced in one step: the old one moves out of the way first.
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old-", dir=path.parent))
    path.rename(old / path.name)
    aside.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Replace the contents of `path` in one step."""
    with new_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
