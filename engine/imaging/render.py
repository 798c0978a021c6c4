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


def png(image: np.ndarray) -> bytes:
    """Encode a uint8 RGB image [height, width, 3] as PNG."""
    _, encoded = cv2.imencode(".png", image[..., ::-1])
    return encoded.tobytes()


def data_url(image: np.ndarray) -> str:
    """A uint8 RGB image [height, width, 3] as a PNG data URL, for use inside a page."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()
