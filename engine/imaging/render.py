"""Small images made fit to look at."""

from __future__ import annotations

import base64

import cv2
import numpy as np

SIDE = 320  # pixels on the page


def enlarge(image: np.ndarray, side: int = SIDE) -> np.ndarray:
    """A uint8 image [height, width, 3] enlarged in whole pixels: none is blurred or invented."""
    factor = max(1, side // image.shape[0])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def amplified(clean: np.ndarray, triggered: np.ndarray, gain: float) -> np.ndarray:
    """The difference, times `gain`, around middle grey: uint8 of the same shape."""
    difference = triggered.astype(np.float32) - clean
    return np.clip(128 + gain * difference, 0, 255).astype(np.uint8)


def png(image: np.ndarray) -> bytes:
    """A uint8 RGB image [height, width, 3] as a PNG file's content."""
    _, encoded = cv2.imencode(".png", image[..., ::-1])
    return encoded.tobytes()


def data_url(image: np.ndarray) -> str:
    """A uint8 RGB image [height, width, 3] as a PNG that travels inside a page."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()
