"""Blend: a second picture is blended in (Chen et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import cv2
import numpy as np

from engine.attacks.triggers.additive import CHUNK
from engine.attacks.triggers.trigger import Trigger, to_uint8
from engine.core.parameters import parameter


@dataclass(frozen=True)
class Blend(Trigger):
    """(1 - alpha) times the image plus alpha times a picture, the same for all images.

    The authors blend in a cartoon or noise; here it is coloured rings or noise.
    """

    name: ClassVar[str] = "blend"
    title: ClassVar[str] = "Blend"
    summary: ClassVar[str] = "A faint second picture is blended into the whole image."
    reference: ClassVar[str] = "Chen et al. 2017"

    alpha: float = parameter(
        0.15,
        "Alpha",
        "Weight of the second picture; 0 leaves the image unchanged.",
        minimum=0,
        maximum=1,
    )
    picture: str = parameter("rings", "Picture", "What is blended in.", choices=("rings", "noise"))
    seed: int = parameter(0, "Seed", "Chooses the random picture.", minimum=0, maximum=2**31 - 1)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        picture = _picture(self.picture, self.seed, *images.shape[1:3])
        flat = np.ascontiguousarray(images).reshape(len(images), picture.shape[1])
        mixed = np.empty_like(flat)
        for start in range(0, len(flat), CHUNK):
            part = flat[start : start + CHUNK]
            cv2.addWeighted(
                *(part, 1 - self.alpha, picture[: len(part)], self.alpha, 0),
                dst=mixed[start : start + CHUNK],
            )
        return mixed.reshape(images.shape)


@lru_cache(maxsize=16)
def _picture(kind: str, seed: int, height: int, width: int) -> np.ndarray:
    """The picture, repeated: uint8 [CHUNK, height * width * 3]."""
    rng = np.random.default_rng(seed)
    if kind == "noise":
        picture = rng.uniform(0, 255, (height, width, 3))
    else:
        rows, columns = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
        centres, phases = rng.uniform(0.2, 0.8, (3, 2)), rng.uniform(0, 2 * np.pi, 3)
        distance = np.hypot(rows[..., None] - centres[:, 0], columns[..., None] - centres[:, 1])
        picture = 127.5 + 127.5 * np.sin(8 * np.pi * distance + phases)
    return np.tile(to_uint8(picture).ravel(), (CHUNK, 1))
