"""WaNet: the image is warped slightly (Nguyen and Tran 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import cv2
import numpy as np

from engine.attacks.triggers.trigger import CrossSampledTrigger
from engine.core.parameters import parameter


@dataclass(frozen=True)
class WaNet(CrossSampledTrigger):
    """Sample the image along a smooth warping field (equations 3 to 6 there).

    The field is a grid of random offsets with mean absolute value 1, resized bicubically. The
    authors use coordinates from -1 to 1 and divide the field by the image's side, so `strength`
    0.5 moves pixels by a quarter of a pixel on average.
    """

    name: ClassVar[str] = "wanet"
    title: ClassVar[str] = "Warping (WaNet)"
    summary: ClassVar[str] = "The whole image is warped smoothly, by a fraction of a pixel."
    reference: ClassVar[str] = "Nguyen and Tran 2021"
    cross_samples_each: ClassVar[float] = 2.0

    strength: float = parameter(
        0.5, "Strength", "0 leaves the image unchanged.", minimum=0, maximum=20
    )
    grid: int = parameter(
        4, "Grid", "Control points per side; more give a finer warp.", minimum=2, maximum=64
    )
    seed: int = parameter(0, "Seed", "Chooses the random field.", minimum=0, maximum=2**31 - 1)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        maps = _maps(self, *images.shape[1:3])
        warped = np.empty_like(images)
        for image, out in zip(images, warped, strict=True):
            _sample(image, maps, out)
        return warped

    def cross_samples(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Warped by the same field plus a random offset at every pixel ("noise mode")."""
        height, width = images.shape[1:3]
        field = self.field(height, width)
        warped = np.empty_like(images)
        for image, out in zip(images, warped, strict=True):
            noisy = field + rng.uniform(-0.5, 0.5, field.shape)
            _sample(image, _fixed_point(noisy), out)
        return warped

    def field(self, height: int, width: int) -> np.ndarray:
        """Each pixel's offset, down and to the right, in pixels: float64 [height, width, 2]."""
        drawn = np.random.default_rng(self.seed).uniform(-1, 1, (self.grid, self.grid, 2))
        drawn /= np.abs(drawn).mean()
        smooth = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(self.strength / 2 * smooth, np.float64)


def _fixed_point(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sampling maps for OpenCV, clipped to the image, in fixed-point numbers."""
    height, width = field.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    down = np.clip(rows + field[..., 0], 0, height - 1).astype(np.float32)
    across = np.clip(columns + field[..., 1], 0, width - 1).astype(np.float32)
    first, second = cv2.convertMaps(across, down, cv2.CV_16SC2)
    return first, second


def _sample(image: np.ndarray, maps: tuple[np.ndarray, np.ndarray], out: np.ndarray) -> None:
    cv2.remap(image, *maps, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)


@lru_cache(maxsize=16)
def _maps(trigger: WaNet, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return _fixed_point(trigger.field(height, width))
