"""Colour spaces as matrices, so that a change made in one space is exact in RGB."""

from __future__ import annotations

import numpy as np

RGB = np.eye(3)
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in OpenCV
YUV = np.stack([_LUMA, 0.492 * (RGB[2] - _LUMA), 0.877 * (RGB[0] - _LUMA)])
YCRCB = np.stack([_LUMA, 0.713 * (RGB[0] - _LUMA), 0.564 * (RGB[2] - _LUMA)])

# Each row gives a channel as a weighted sum of R, G and B. Offsets are left out: they cancel in
# a difference.
MATRICES = {"YUV": YUV, "YCrCb": YCRCB, "RGB": RGB}
CHANNELS = {"YUV": ("Y", "U", "V"), "YCrCb": ("Y", "Cr", "Cb"), "RGB": ("R", "G", "B")}


def from_rgb(images: np.ndarray, space: str) -> np.ndarray:
    """Convert RGB [..., 3] of any dtype to `space`: float32 [..., 3], chroma centred on 0."""
    return images.astype(np.float32) @ MATRICES[space].T.astype(np.float32)


def to_rgb(values: np.ndarray, space: str) -> np.ndarray:
    """Convert `space` [..., 3] to RGB: float64 [..., 3], neither rounded nor clipped."""
    return values @ np.linalg.inv(MATRICES[space]).T
