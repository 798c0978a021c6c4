"""The discrete cosine transform of an image as people look at it."""

from __future__ import annotations

import numpy as np
from scipy import fft

from engine import colour


def spectrum(images: np.ndarray) -> np.ndarray:
    """Orthonormal DCT-II of each channel in YUV.

    Args:
        images: uint8 [n, height, width, 3], RGB.

    Returns:
        float32 [n, 3, height, width]: channels Y, U, V; band (row, column), (0, 0) the mean.
    """
    planes = np.moveaxis(colour.from_rgb(images, "YUV"), -1, 1)
    return fft.dctn(planes, axes=(2, 3), norm="ortho")


def mean_magnitude(images: np.ndarray, batch: int = 1024) -> np.ndarray:
    """Mean absolute value of each coefficient over many images: float64 [3, height, width].

    Args:
        images: uint8 [n, height, width, 3], n at least 1; read batch by batch.
        batch: images held as floats at a time.
    """
    total = np.zeros((3, *images.shape[1:3]))
    for start in range(0, len(images), batch):
        total += np.abs(spectrum(images[start : start + batch])).sum(axis=0)
    return total / len(images)
