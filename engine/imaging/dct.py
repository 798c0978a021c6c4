"""The two-dimensional discrete cosine transform (DCT) of images in YUV.

A band is one coefficient, named by (row, column): (0, 0) is the mean, and frequency rises towards
the lower right corner.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from engine.imaging import colour


def transform(images: np.ndarray) -> np.ndarray:
    """Orthonormal DCT-II of Y, U and V.

    Args:
        images: RGB [..., height, width, 3], grey levels of any dtype; images or their changes.

    Returns:
        float32 [..., 3, height, width], channels Y, U, V.
    """
    planes = np.moveaxis(colour.from_rgb(images, "YUV"), -1, -3)
    return fft.dctn(planes, axes=(-2, -1), norm="ortho").astype(np.float32)


def inverse(coefficients: np.ndarray) -> np.ndarray:
    """The inverse of `transform`.

    Args:
        coefficients: of Y, U and V, [..., 3, height, width].

    Returns:
        RGB, grey levels, neither rounded nor clipped: float32 [..., height, width, 3].
    """
    planes = fft.idctn(coefficients, axes=(-2, -1), norm="ortho")
    return colour.to_rgb(np.moveaxis(planes, -3, -1), "YUV").astype(np.float32)


def mean_magnitude(images: np.ndarray, batch: int = 1024) -> np.ndarray:
    """Mean absolute value of each coefficient over many images: float64 [3, height, width].

    Args:
        images: uint8 [n, height, width, 3], n at least 1; may be memory-mapped.
        batch: how many images to hold as floats at a time.
    """
    total = np.zeros((3, *images.shape[1:3]))
    for start in range(0, len(images), batch):
        total += np.abs(transform(images[start : start + batch])).sum(axis=0)
    return total / len(images)


def radial_profile(magnitudes: np.ndarray) -> np.ndarray:
    """Mean magnitude of the coefficients at each distance from band (0, 0).

    Args:
        magnitudes: [height, width], none negative.

    Returns:
        float64 [n]: entry d is the mean over the bands at distance d, rounded to whole bands.
    """
    rows, columns = np.indices(magnitudes.shape)
    distance = np.rint(np.hypot(rows, columns)).astype(int).ravel()
    return np.bincount(distance, magnitudes.ravel()) / np.bincount(distance)


def region(row: int, column: int, size: int) -> str:
    """Whether a band of a `size` by `size` spectrum is a low, mid or high frequency.

    The paper places its triggers at the middle and at the highest band (section 3.1). Splitting
    the larger index into thirds is this program's own convention.
    """
    return ("low", "mid", "high")[min(3 * max(row, column) // size, 2)] + " frequency"


def change_shares(clean: np.ndarray, triggered: np.ndarray) -> np.ndarray:
    """Fractions of a change's energy in Y, U and V: float64 [3]; zeros if nothing changed.

    Args:
        clean, triggered: uint8 [n, height, width, 3].
    """
    change = colour.from_rgb(triggered, "YUV") - colour.from_rgb(clean, "YUV")
    energy = (change.astype(np.float64) ** 2).sum(axis=(0, 1, 2))
    shares: np.ndarray = energy / (energy.sum() or 1.0)
    return shares
