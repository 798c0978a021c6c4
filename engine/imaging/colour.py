"""Colour spaces as matrices, so that a change in one can be carried over to RGB exactly."""

from __future__ import annotations

import numpy as np

RGB = np.eye(3)
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in OpenCV
YUV = np.stack([_LUMA, 0.492 * (RGB[2] - _LUMA), 0.877 * (RGB[0] - _LUMA)])
YCRCB = np.stack([_LUMA, 0.713 * (RGB[0] - _LUMA), 0.564 * (RGB[2] - _LUMA)])

# Rows are the space's channels as mixtures of R, G and B; offsets play no part in a change.
MATRICES = {"YUV": YUV, "YCrCb": YCRCB, "RGB": RGB}
CHANNELS = {"YUV": ("Y", "U", "V"), "YCrCb": ("Y", "Cr", "Cb"), "RGB": ("R", "G", "B")}


def from_rgb(images: np.ndarray, space: str) -> np.ndarray:
    """RGB images [..., 3] of any dtype in `space`: float32 [..., 3], chroma around 0."""
    return images.astype(np.float32) @ MATRICES[space].T.astype(np.float32)


def to_rgb(values: np.ndarray, space: str) -> np.ndarray:
    """Values [..., 3] in `space` as RGB, float64, neither rounded nor limited."""
    return values @ np.linalg.inv(MATRICES[space]).T
