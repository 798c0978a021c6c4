"""Weights in HDF5, of a .keras or .h5 file: checked before they are read.

A file made to crash HDF5 may do so here, so only a child process opens one that is not our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from engine.core.errors import UserError

MAX_BYTES = 512 << 20  # of all arrays, unpacked
MAX_PARTS = 9000  # groups and arrays; Keras writes ten or so a layer
MAX_PATH = 500  # characters


def read(file: Path | IO[bytes]) -> dict[str, np.ndarray]:
    """Every array in an HDF5 file by its path, such as "layers/conv2d/vars/0".

    Raises:
        UserError: it points elsewhere, holds something else than plain numbers, or too much.
    """
    with _opened(file) as opened:
        parts = list(_datasets(opened))
        return {path: np.asarray(dataset) for path, dataset in parts}


def check(file: Path) -> None:
    """Raise `read`'s errors without reading the arrays."""
    with _opened(file) as opened:
        for _ in _datasets(opened):
            pass


@contextmanager
def _opened(file: Path | IO[bytes]) -> Iterator[object]:
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            yield opened
    except UserError:
        raise
    except Exception:  # HDF5 reports damage in many ways
        raise UserError("holds damaged weights: copy the file again.") from None


def _datasets(file: object) -> Iterator[tuple[str, object]]:
    """Path and array of each dataset; all are looked at before any is read."""
    import h5py

    groups = [("", file)]
    declared, count = 0, 0
    for prefix, group in groups:  # the list grows inside the loop
        for name in group:  # type: ignore[attr-defined]
            count, path = count + 1, f"{prefix}{name}"
            if count > MAX_PARTS or len(path) > MAX_PATH:
                raise UserError("holds weights in too many parts: it is not loaded.")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):  # type: ignore[attr-defined]
                raise UserError("holds weights that point elsewhere: it is not loaded.")
            part = group[name]  # type: ignore[index]
            if isinstance(part, h5py.Group):
                groups.append((f"{path}/", part))
                continue
            if not _is_plain(part):
                raise UserError("holds weights that are not plain numbers: it is not loaded.")
            declared += part.size * part.dtype.itemsize
            if declared > MAX_BYTES:
                raise UserError(f"holds more than {MAX_BYTES >> 20} MB of weights: not loaded.")
            yield path, part


def _is_plain(part: object) -> bool:
    """Whether it is an array of numbers that lies in this file alone."""
    import h5py

    return (
        isinstance(part, h5py.Dataset)
        and not part.external
        and not part.is_virtual
        and part.shape is not None
        and part.dtype.kind in "fiub"
        and part.dtype.subdtype is None
    )
