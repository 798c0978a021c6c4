"""Arrays as pictures: enlarged, their differences amplified, encoded as PNG."""

from __future__ import annotations

import base64

import cv2
import numpy as np

SIDE = 320  # pixels on a page
MID_GREY = 128


def enlarge(image: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Repeat the pixels of a uint8 image [height, width, 3] until it is about `side` high.

    Pixels are repeated a whole number of times and stay sharp; nothing is interpolated.
    """
    factor = max(1, side // image.shape[0])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def amplify_difference(clean: np.ndarray, triggered: np.ndarray, gain: float) -> np.ndarray:
    """The difference of two uint8 images times `gain`, around mid-grey: uint8, same shape."""
    difference = triggered.astype(np.float32) - clean
    return np.clip(MID_GREY + gain * difference, 0, 255).astype(np.uint8)


def apply_viridis(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """A map [height, width] in viridis, from `low` to `high`: uint8 [height, width, 3]."""
    reach = (high - low) or 1.0
    grey = np.clip(255 * (values - low) / reach, 0, 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)[..., ::-1])


def png(image: np.ndarray) -> bytes:
    """Encode a uint8 RGB image [height, width, 3] as PNG."""
    _, encoded = cv2.imencode(".png", image[..., ::-1])
    return encoded.tobytes()


def data_url(image: np.ndarray) -> str:
    """A uint8 RGB image [height, width, 3] as a PNG data URL, for use inside a page."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()
