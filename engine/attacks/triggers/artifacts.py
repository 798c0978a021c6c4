"""Learned arrays of triggers, in files named by a hash of their contents.

A file is written to the cache, and copied into the folder of each model that uses the trigger.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.core import atomic_files, paths
from engine.core.errors import UserError
from engine.networks import untrusted
from engine.networks.untrusted import own_files

_NAME = re.compile(r"[0-9a-f]{16}")

Arrays = Mapping[str, np.ndarray]


def check_name(state: str) -> None:
    """Raise `UserError` unless `state` is a valid name of learned arrays."""
    if not _NAME.fullmatch(state):
        raise UserError(f"'{state}' cannot name learned data: a name is 16 hexadecimal digits.")


def keep(arrays: Arrays) -> str:
    """Write arrays to the cache and return their name."""
    state = _name_of(arrays)
    path = _cached(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_files.new_file(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    own_files.add(path)
    return state


def copy_to(state: str, folder: Path) -> None:
    """Copy the file of `state` into a model's folder."""
    source, copy = find(state), folder / _file_of(state)
    if not copy.exists() or not source.samefile(copy):
        shutil.copyfile(source, copy)


def find(state: str) -> Path:
    """The file of `state`, beside a model or in the cache."""
    check_name(state)
    for path in _candidates(state):
        return path
    raise UserError(
        f"The learned data {_file_of(state)} are neither beside a model nor in the cache:"
        " train a model with it again."
    )


@lru_cache(maxsize=32)
def load(state: str) -> Arrays:
    """The arrays called `state`, from the first intact file of that name.

    Raises:
        UserError: there is no such file, or none is intact.
    """
    find(state)
    problem = UserError("")
    for path in _candidates(state):
        try:
            return _read(path, state)
        except UserError as error:  # another file of that name may be intact
            problem = error
    raise problem


def _read(path: Path, state: str) -> Arrays:
    own = own_files.is_own(untrusted.checksum(path))
    source = path if own else untrusted.rewritten_arrays(path, str(path))
    try:
        with np.load(source, allow_pickle=False) as stored:
            arrays = dict(stored)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read: train a model with the trigger again.") from error
    if _name_of(arrays) != state:
        raise UserError(
            f"The contents of {path} do not match its name: the file was damaged or replaced."
        )
    return arrays


def _candidates(state: str) -> Iterator[Path]:
    """The existing files of `state`, beside models and in the cache."""
    for folder in (paths.models_folder(), paths.SHIPPED_MODELS):
        yield from sorted(folder.glob(f"[!.]*/{_file_of(state)}"))
    if _cached(state).exists():
        yield _cached(state)


def _file_of(state: str) -> str:
    return f"trigger-{state}.npz"


def _cached(state: str) -> Path:
    return paths.cache_folder() / "triggers" / _file_of(state)


def _name_of(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]
