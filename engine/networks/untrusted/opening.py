"""Untrusted files, opened in a limited child process.

Keras's safe mode is a list of what is forbidden, not a sandbox, and a damaged HDF5 file can crash
the process that opens it. So a child process with little memory and time, without network and
with one folder to write to, opens the file and rewrites its contents. Everything else in the
program reads only what the child wrote.

Each file is examined once for its contents: the outcome, good or bad, is kept in the cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from filelock import FileLock

from engine.core import atomic_files, paths
from engine.core.errors import UserError
from engine.networks.untrusted.formats import Format
from engine.networks.untrusted.parts import Parts, read_parts, read_rewritten

Kind = Literal["network", "arrays"]
RULES = 4  # raise this whenever the set of accepted files, or what is written of them, changes
SECONDS = {"network": 120, "arrays": 20}  # of processor time
PATIENCE = 4  # times as long by the clock, as other programs may be busy
MAX_BYTES = 516 << 20  # of a file that is looked at in the first place
PROBLEM, NETWORK, ABOUT = "problem.txt", "model.keras", "about.json"

__all__ = [
    "OpenedNetwork",
    "Parts",
    "checksum",
    "open_network_file",
    "own_parts",
    "rewritten_arrays",
    "rewritten_parts",
]


@dataclass(frozen=True)
class OpenedNetwork:
    """What the child wrote of a network's file.

    Attributes:
        file: a .keras file with the network in standard form; see `engine.networks.standard_form`.
        format: of the file that was opened.
        channels_first: whether the file's own network takes images with the colours first.
        left_out: names of layers that were left out because they do nothing at inference.
    """

    file: Path
    format: Format
    channels_first: bool
    left_out: tuple[str, ...]


def own_parts(path: Path, name: str) -> Parts:
    """The parts of a .keras file that this program wrote; see `rewritten_parts` for any other."""
    try:
        return read_parts(path)
    except UserError as error:
        raise UserError(f"{name} {error}") from error


def rewritten_parts(path: Path, name: str) -> Parts:
    """Description and weights of a network in standard form; see `open_network_file`."""
    return read_rewritten(_examined("network", path, name))


def open_network_file(path: Path, name: str) -> OpenedNetwork:
    """A network's file of any known format, rewritten by the child.

    Args:
        path: a .keras, .h5 or .onnx file, or a zip of a Keras SavedModel; its content tells which.
        name: what messages call it.

    Raises:
        UserError: it is of another format, uses parts that are not allowed, or asks for too much.
    """
    folder = _examined("network", path, name)
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} is damaged: delete it, and it is made again.") from error
    return OpenedNetwork(
        folder / NETWORK, about["format"], about["channels_first"], tuple(about["left_out"])
    )


def rewritten_arrays(path: Path, name: str) -> Path:
    """An .npz file that the child wrote of the arrays in `path`; see `rewritten_parts`."""
    return _examined("arrays", path, name) / "arrays.npz"


def checksum(path: Path, name: str | None = None) -> str:
    """SHA-256 of a file, in hexadecimal; computed again only if the file has changed.

    Args:
        path: the file.
        name: what messages call it; its path when left out.

    Raises:
        UserError: it is missing, no regular file, or larger than any file of ours.
    """
    called = name or str(path)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"{called} is not a file: it is not opened.")
        if found.st_size > MAX_BYTES:
            raise UserError(f"{called} is larger than {MAX_BYTES >> 20} MB: it is not opened.")
        return _checksum(str(path), (found.st_ino, found.st_size, found.st_mtime_ns))
    except OSError as error:
        raise UserError(f"{called} is missing or cannot be read.") from error


@lru_cache(maxsize=256)
def _checksum(path: str, version: tuple[int, ...]) -> str:  # noqa: ARG001
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _examined(kind: Kind, path: Path, name: str) -> Path:
    """The folder that the child filled for a file, or a `UserError` with its sentence."""
    folder = paths.cache_folder() / "untrusted" / f"{kind}-{RULES}-{checksum(path, name)}"
    if not folder.exists():
        _examine(kind, path, folder)
    problem = folder / PROBLEM
    if problem.exists():
        raise UserError(f"{name} {problem.read_text(encoding='utf-8')}")
    return folder


def _examine(kind: Kind, path: Path, folder: Path) -> None:
    """Fill `folder`; of several processes that want the same, one does the work."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        with lock:
            if not folder.exists():
                with atomic_files.new_folder(folder) as aside:
                    _run_child(kind, path, aside)
    except OSError as error:
        raise atomic_files.trouble(folder, error) from error


def _run_child(kind: Kind, path: Path, folder: Path) -> None:
    """Let the child fill `folder`; leaves nothing in it but a problem if that fails."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".work-") as work:
        # In a folder of its own: what a child leaves behind when it is killed is never used.
        own = Path(work).resolve()
        problem = _problem(kind, path, own)
        for file in own.iterdir():
            if file.is_file() and not file.is_symlink() and not problem:
                file.replace(folder / file.name)
    if problem:
        (folder / PROBLEM).write_text(problem, encoding="utf-8")


def _problem(kind: Kind, path: Path, folder: Path) -> str:
    """What is wrong with a file; empty if the child has rewritten it into `folder`."""
    command = [
        sys.executable,
        "-m",
        "engine.networks.untrusted.child",
        kind,
        str(path.absolute()),  # the child starts in another folder
        str(folder),
    ]
    # One thread each: more would only need more memory.
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    try:
        done = subprocess.run(
            command,
            cwd=paths.PROJECT,
            env=os.environ | threads | {"TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE * SECONDS[kind],
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"takes more than {PATIENCE * SECONDS[kind]} s to open: it is not loaded."
    if done.returncode == 0:
        return ""
    try:
        return (folder / PROBLEM).read_text(encoding="utf-8")
    except OSError:
        return "asks for too much memory or time, or is damaged: it is not loaded."
