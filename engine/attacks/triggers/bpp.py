"""BppAttack: fewer colours (Wang, Zhai and Ma 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from engine.attacks.triggers.trigger import Trigger, from_other_images, to_uint8
from engine.core.parameters import parameter

TOGETHER = 512  # images dithered at a time: two rows of them stay in the cache


@dataclass(frozen=True)
class BppAttack(Trigger):
    """Round each colour to the nearest of `levels` values (equation 3 there), or dither to them."""

    name: ClassVar[str] = "bpp"
    title: ClassVar[str] = "Quantisation (BppAttack)"
    summary: ClassVar[str] = "The image is kept in fewer colours, as an old screen would show it."
    reference: ClassVar[str] = "Wang, Zhai and Ma 2022"
    cross_samples_each: ClassVar[float] = 1.0

    levels: int = parameter(
        8, "Levels", "Values a colour may have; 256 leave the image.", minimum=2, maximum=256
    )
    dithering: str = parameter(
        "none",
        "Dithering",
        "Floyd and Steinberg's way hands what rounding loses on to the pixels beside and below.",
        choices=("none", "floyd-steinberg"),
    )

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        if self.dithering != "none":
            return self._dithered(images)
        if not len(images):
            return images.copy()  # OpenCV makes one value of none
        table = to_uint8(self._rounded(np.arange(256, dtype=np.float32)))
        flat = np.ascontiguousarray(images).reshape(len(images), -1)
        return np.asarray(cv2.LUT(flat, table)).reshape(images.shape)

    def cross_samples(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """With the residual of another image, chosen at random, added."""
        others = from_other_images(images, rng)
        return to_uint8(images + (self(others).astype(np.float64) - others))

    def _rounded(self, values: np.ndarray) -> np.ndarray:
        steps = self.levels - 1
        nearest = np.rint(values * np.float32(steps / 255))
        return np.clip(nearest, 0, steps) * np.float32(255 / steps)

    def _dithered(self, images: np.ndarray) -> np.ndarray:
        """Pixel by pixel, over many images at a time."""
        dithered = np.empty_like(images)
        for start in range(0, len(images), TOGETHER):
            part = slice(start, start + TOGETHER)
            dithered[part] = self._dithered_part(images[part])
        return dithered

    def _dithered_part(self, images: np.ndarray) -> np.ndarray:
        count, height, width, _ = images.shape
        # Pixels first, so that those of all images lie side by side; a frame takes what spills.
        pixels = np.ascontiguousarray(images.transpose(1, 2, 0, 3)).reshape(height, width, -1)
        below = np.zeros((width + 2, 3 * count), np.float32)
        for row in pixels:
            here, below = below, np.zeros_like(below)
            here[1:-1] += row
            for column in range(1, width + 1):
                old = here[column]
                new = self._rounded(old)
                row[column - 1] = new + 0.5
                error = (old - new) / 16
                here[column + 1] += 7 * error
                below[column - 1] += 3 * error
                below[column] += 5 * error
                below[column + 1] += error
        return pixels.reshape(height, width, count, 3).transpose(2, 0, 1, 3)
