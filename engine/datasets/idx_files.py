"""Read IDX files, the format of MNIST: a magic number, the sizes, then one byte a value.

The format is described at http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import io
import math

import numpy as np

from engine.core.errors import quoted
from engine.core.limited_reading import Unfit, refusing
from engine.datasets.archives import COPY_AGAIN, Files

MAX_BYTES = 1 << 30  # of a file, unpacked
_UNSIGNED_BYTE = 8  # the code of the only type that MNIST and its relatives use


def read_idx(files: Files, name: str, dimensions: int) -> np.ndarray:
    """The array in an IDX file, packed with gzip or not.

    Args:
        files: where it is.
        name: its name there.
        dimensions: how many the array must have.

    Returns:
        uint8, with as many dimensions.

    Raises:
        UserError: it is damaged, or not such an array.
    """
    with refusing(quoted(name), "it is not a whole IDX file", COPY_AGAIN):
        data = _unpacked(files.read(name))
        if len(data) < 4 + 4 * dimensions or data[:2] != b"\0\0" or data[2] != _UNSIGNED_BYTE:
            raise Unfit("it is not an IDX file of bytes")
        if data[3] != dimensions:
            raise Unfit(f"it has {data[3]} dimensions, not {dimensions}")
        start = 4 + 4 * dimensions
        shape = [int(size) for size in np.frombuffer(data, ">u4", dimensions, 4)]
        if math.prod(shape) != len(data) - start:
            raise Unfit(f"it says {shape}, but holds {len(data) - start} values")
        return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _unpacked(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    with gzip.open(io.BytesIO(data)) as file:
        unpacked: bytes = file.read(MAX_BYTES + 1)
    if len(unpacked) > MAX_BYTES:
        raise Unfit("it unpacks to far more than any dataset here needs")
    return unpacked
