"""BppAttack: colour quantisation (Wang, Zhai and Ma 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from engine.attacks.triggers.trigger import CrossSampledTrigger, from_other_images, to_uint8
from engine.core.parameters import parameter

CHUNK = 512  # images dithered at a time, so that two rows of each fit the processor's cache


@dataclass(frozen=True)
class BppAttack(CrossSampledTrigger):
    """Round each colour to the nearest of `levels` values (equation 3 there), or dither."""

    name: ClassVar[str] = "bpp"
    title: ClassVar[str] = "Quantisation (BppAttack)"
    summary: ClassVar[str] = "The image is reduced to a few colours."
    reference: ClassVar[str] = "Wang, Zhai and Ma 2022"
    cross_samples_each: ClassVar[float] = 1.0

    levels: int = parameter(
        8,
        "Levels",
        "Values per colour channel; 256 leave the image unchanged.",
        minimum=2,
        maximum=256,
    )
    dithering: str = parameter(
        "none",
        "Dithering",
        "Floyd-Steinberg dithering passes each rounding error on to the neighbouring pixels.",
        choices=("none", "floyd-steinberg"),
    )

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        if self.dithering != "none":
            return self._dithered(images)
        if not len(images):
            return images.copy()  # cv2.LUT fails on an empty array
        table = to_uint8(self._rounded(np.arange(256, dtype=np.float32)))
        flat = np.ascontiguousarray(images).reshape(len(images), -1)
        return np.asarray(cv2.LUT(flat, table)).reshape(images.shape)

    def cross_samples(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The images plus the quantisation residual of another image, chosen at random."""
        others = from_other_images(images, rng)
        return to_uint8(images + (self(others).astype(np.float64) - others))

    def _rounded(self, values: np.ndarray) -> np.ndarray:
        steps = self.levels - 1
        nearest = np.rint(values * np.float32(steps / 255))
        return np.clip(nearest, 0, steps) * np.float32(255 / steps)

    def _dithered(self, images: np.ndarray) -> np.ndarray:
        """Dither pixel by pixel, many images at a time."""
        dithered = np.empty_like(images)
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            dithered[part] = self._dithered_part(images[part])
        return dithered

    def _dithered_part(self, images: np.ndarray) -> np.ndarray:
        count, height, width, _ = images.shape
        # Put the image axis last, so that one pixel of all images is contiguous. The padding takes
        # the errors that leave the image.
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
