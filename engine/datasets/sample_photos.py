"""Ten synthetic photos of signs, for trying out a network without pictures of your own.

They are not part of any dataset.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.datasets.signs import faces
from engine.datasets.signs.scenery import scenery

LABELS = (1, 12, 13, 14, 17, 18, 25, 35, 38, 40)
WIDTH, HEIGHT = 640, 480  # pixels


@dataclass(frozen=True)
class SamplePhoto:
    """A sign in front of a scene, off-centre.

    Attributes:
        picture: uint8 [HEIGHT, WIDTH, 3].
        left, top, side: the square crop around the sign, in pixels.
    """

    picture: np.ndarray
    left: int
    top: int
    side: int


def take_photo(label: int) -> SamplePhoto:
    """A photo of a sign.

    Args:
        label: class of the sign, as in GTSRB. The same class always gives the same photo.
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
    behind[:] = sign[..., :3] + (1 - opacity) * behind  # colours are premultiplied by opacity
    picture *= rng.uniform(0.8, 1.05)
    picture += rng.normal(0, 3, picture.shape)
    margin = side // 12  # about the margin of the crops in GTSRB
    return SamplePhoto(
        np.clip(picture, 0, 255).astype(np.uint8), left - margin, top - margin, side + 2 * margin
    )
