"""Images shifted by a few pixels, at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def random_shift(
    images: np.ndarray, reach: int, rng: np.random.Generator
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from indices to those images, each shifted at random at every call.

    Args:
        images: [n, height, width, 3].
        reach: pixels, at most, along either axis; the border is repeated.
        rng: random generator of the shifts.

    Returns:
        From int64 [m] to an array [m, height, width, 3] of the images' dtype.
    """
    around = [(0, 0), (reach, reach), (reach, reach), (0, 0)]
    views = sliding_window_view(np.pad(images, around, "edge"), images.shape[1:3], axis=(1, 2))

    def moved(indices: np.ndarray) -> np.ndarray:
        down, right = rng.integers(0, 2 * reach + 1, (2, len(indices)))
        return np.moveaxis(views[indices, down, right], 1, -1)

    return moved
