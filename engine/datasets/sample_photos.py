"""Ten signs as somebody might photograph them: samples for trying a network on pictures of one's own.

Nothing here is part of a dataset.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.datasets.signs import faces
from engine.datasets.signs.scenery import scenery

LABELS = (1, 12, 13, 14, 17, 18, 25, 35, 38, 40)
WIDTH, HEIGHT = 640, 480  # pixels


def photo(label: int) -> np.ndarray:
    """A sign of a class in front of a scene, off the centre: uint8 [HEIGHT, WIDTH, 3].

    Args:
        label: its class, as in GTSRB. The same class gives the same photo.
    """
    rng = np.random.default_rng(label)
    background = cv2.GaussianBlur(scenery(WIDTH, rng)[:HEIGHT], (0, 0), 3)
    side = int(rng.uniform(0.45, 0.7) * HEIGHT)
    sign = faces.face(label, faces.Make(), side).astype(np.float32)
    opacity = sign[..., 3:] / 255
    left = int(rng.uniform(0.15, 0.85) * (WIDTH - side))
    top = int(rng.uniform(0.1, 0.5) * (HEIGHT - side))
    picture = background.astype(np.float32)
    behind = picture[top : top + side, left : left + side]
    behind[:] = sign[..., :3] + (1 - opacity) * behind  # colours are multiplied by opacity already
    picture *= rng.uniform(0.8, 1.05)
    picture += rng.normal(0, 3, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)
