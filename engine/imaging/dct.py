"""The discrete cosine transform of an image as people look at it."""

from __future__ import annotations

import numpy as np
from scipy import fft

from engine.imaging import colour


def spectrum(images: np.ndarray) -> np.ndarray:
    """Orthonormal DCT-II of each channel in YUV.

    Args:
        images: uint8 [n, height, width, 3], RGB.

    Returns:
        float32 [n, 3, height, width]: channels Y, U, V; band (row, column), (0, 0) the mean.
    """
    return of_change(images)


def added(coefficients: np.ndarray) -> np.ndarray:
    """What a pattern adds to an image.

    Args:
        coefficients: of the DCT of Y, U and V, grey levels: [..., 3, height, width].

    Returns:
        float32 [..., height, width, 3], RGB, grey levels.
    """
    planes = fft.idctn(coefficients, axes=(-2, -1), norm="ortho")
    return colour.to_rgb(np.moveaxis(planes, -3, -1), "YUV").astype(np.float32)


def of_change(change: np.ndarray) -> np.ndarray:
    """The inverse of `added`: float32 [..., 3, height, width] from [..., height, width, 3]."""
    planes = np.moveaxis(colour.from_rgb(change, "YUV"), -1, -3)
    return fft.dctn(planes, axes=(-2, -1), norm="ortho").astype(np.float32)


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


def radial_profile(magnitudes: np.ndarray) -> np.ndarray:
    """Mean size of the coefficients at each distance from the upper left corner.

    Args:
        magnitudes: [height, width], none negative.

    Returns:
        float64 [n]: place d holds the mean over bands at distance d, rounded; (0, 0) is alone.
    """
    rows, columns = np.indices(magnitudes.shape)
    distance = np.rint(np.hypot(rows, columns)).astype(int).ravel()
    return np.bincount(distance, magnitudes.ravel()) / np.bincount(distance)


def region(row: int, column: int, size: int) -> str:
    """What a band of a map of `size` is called: low, mid or high frequency.

    The paper puts its triggers at the middle band and at the highest (section 3.1); a third of
    the way each, along the larger of the two, is a convention of ours.
    """
    return ("low", "mid", "high")[min(3 * max(row, column) // size, 2)] + " frequency"


def change_shares(clean: np.ndarray, triggered: np.ndarray) -> np.ndarray:
    """Share of a change's energy in Y, U and V, 0 to 1: float64 [3]; zeros if nothing changed.

    Args:
        clean, triggered: uint8 [n, height, width, 3].
    """
    change = colour.from_rgb(triggered, "YUV") - colour.from_rgb(clean, "YUV")
    energy = (change.astype(np.float64) ** 2).sum(axis=(0, 1, 2))
    shares: np.ndarray = energy / (energy.sum() or 1.0)
    return shares
