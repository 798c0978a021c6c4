"""Files and folders that readers see complete or not at all, even if a writer dies.

A new folder is filled in a hidden one beside its place, `.pending-*`:

    lock       held by the writer while it lives: the system lets go of it when it dies
    new        what is being written
    old/NAME   what is being replaced, for the moment between two renames
    replaced   what has been replaced, until it is deleted
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from engine.core.errors import NameTaken, UserError

_PENDING = ".pending-"
_LOCK = ".lock"
LOCK_SECONDS = 30  # a folder is locked for a few renames only
ABANDONED_SECONDS = 24 * 3600  # no file takes that long to write

_FREE_SPACE = "free some space and try again"
_CHOOSE_ANOTHER = "choose a folder you may write to"
_REASONS = {
    errno.ENOSPC: ("the disk is full", _FREE_SPACE),
    errno.EDQUOT: ("your disk quota is used up", _FREE_SPACE),
    errno.EACCES: ("permission is denied", _CHOOSE_ANOTHER),
    errno.EPERM: ("permission is denied", _CHOOSE_ANOTHER),
    errno.EROFS: ("the disk is read-only", _CHOOSE_ANOTHER),
}


class WriteError(UserError):
    """A file cannot be written, for a reason outside the program such as a full disk.

    Attributes:
        problem: the sentence's first half, without what to do about it.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(f"{problem}: {advice}." if advice else f"{problem}.")
        self.problem = problem


def trouble(path: Path, error: OSError) -> WriteError:
    """The sentence that says why `path` could not be written."""
    reason, advice = _REASONS.get(error.errno or 0, (error.strerror or str(error), ""))
    return WriteError(f"Could not write {path}: {reason}", advice)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path to write to; it replaces `path` once everything is written to the disk.

    Raises:
        WriteError: it cannot be written; `path` is as it was.
    """
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
        _sweep_files(path, aside)
        yield aside
        _to_disk(aside)
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as error:
        raise trouble(path, error) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _sweep_files(path: Path, newest: Path) -> None:
    """Delete files left by writers of `path` that died long ago."""
    now = newest.stat().st_mtime
    pattern = f".{glob.escape(path.name)}.*{glob.escape(path.suffix)}"
    for left in path.parent.glob(pattern):
        with suppress(OSError):
            if now - left.stat().st_mtime > ABANDONED_SECONDS:
                left.unlink()


def write_text(path: Path, text: str) -> None:
    """Replace the contents of `path` in one step."""
    with new_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


@contextmanager
def new_folder(
    path: Path, replace: bool = False, check: Callable[[], object] = lambda: None
) -> Iterator[Path]:
    """A folder to fill; it becomes `path` once everything in it is written to the disk.

    Of two processes that make the same new folder one succeeds. A process that dies leaves
    either what was there before or all of the new.

    Args:
        path: the folder to make.
        replace: whether it may exist already, and is deleted then.
        check: called when nobody else can change `path` any more; raises to leave it as it is.

    Raises:
        UserError: `path` exists and `replace` is false.
        WriteError: it cannot be written.
    """
    if not replace:
        _check_free(path)
    try:
        with changing(path.parent):
            pending = Path(tempfile.mkdtemp(prefix=_PENDING, dir=path.parent))
            alive = FileLock(pending / "lock")
            alive.acquire()
    except OSError as error:
        raise trouble(path, error) from error
    try:
        aside = pending / "new"
        aside.mkdir()
        yield aside
        for file in aside.rglob("*"):
            if file.is_file():
                _to_disk(file)
        with changing(path.parent):
            check()
            if not replace:
                _check_free(path)
            _put_in_place(pending, path)
    except OSError as error:
        raise trouble(path, error) from error
    finally:
        alive.release()
        recover(path.parent)


def _check_free(path: Path) -> None:
    if path.exists():
        raise NameTaken(f"{path} exists already: choose another name, or delete that first.")


def _put_in_place(pending: Path, path: Path) -> None:
    # A folder cannot be replaced in one step: the old one moves out of the way first.
    if path.exists():
        (pending / "old").mkdir()
        path.rename(pending / "old" / path.name)
    (pending / "new").rename(path)
    if (pending / "old").exists():
        (pending / "old").rename(pending / "replaced")


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Keep other processes from adding, replacing or removing folders in `folder`; not nestable.

    What dead writers left behind is repaired first.

    Raises:
        UserError: another process keeps the folder locked.
        WriteError: it cannot be written to.
    """
    lock = FileLock(folder / _LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise UserError(f"Another process is changing {folder}: try again in a moment.") from None
    except OSError as error:
        raise trouble(folder, error) from error
    try:
        for pending in folder.glob(f"{_PENDING}*"):
            if _abandoned(pending):
                _put_right(pending)
        yield
    finally:
        with suppress(OSError):
            (folder / _LOCK).unlink()  # a process waiting for it notices, and locks a new one
        lock.release()


def recover(folder: Path) -> None:
    """Repair what writers that died left in `folder`; wait for a replacement in progress."""
    with suppress(OSError, UserError):
        if any(path.name.startswith(_PENDING) for path in folder.iterdir()):
            with changing(folder):
                pass


def remove_folder(folder: Path, within: Path) -> None:
    """Delete a folder, complete or not at all, if the system allows it.

    Args:
        folder: what to delete.
        within: a folder on the same disk that the caller is `changing`.
    """
    with suppress(OSError):
        pending = Path(tempfile.mkdtemp(prefix=_PENDING, dir=within))
        folder.rename(pending / "replaced")
        shutil.rmtree(pending, ignore_errors=True)


def _abandoned(pending: Path) -> bool:
    """Whether the writer of a pending folder has ended."""
    try:
        with FileLock(pending / "lock").acquire(timeout=0):
            return True
    except (Timeout, OSError):
        return False


def _put_right(pending: Path) -> None:
    """Bring back what was about to be replaced, then delete the rest."""
    try:
        for old in (pending / "old").glob("*"):
            place = pending.parent / old.name
            if not place.exists():
                old.rename(place)
    except OSError:
        return  # it stays until this succeeds
    shutil.rmtree(pending, ignore_errors=True)


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
