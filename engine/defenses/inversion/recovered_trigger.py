"""A trigger that inversion recovered from a network: it can be applied, described and stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import ndimage


@dataclass(frozen=True, eq=False)
class RecoveredTrigger:
    """What leads to a class: a picture under a mask, an added pattern, or a warp.

    Attributes:
        DEPTHS: numbers per pixel of each of its arrays.
        MEASURED: names of what tables say of it, beside its class.
        family: name of the family that it was searched in.
        label: the class that it leads to.
        size: in the family's own measure.
        unit: of the size.
        success: share of clean images of other classes that it sends there, percent.
        mask: opacity from 0 to 1, float32 [height, width, 1].
        picture: what covers the image there, float32 [height, width, 3], 0 to 255.
        pattern: what is added, float32 [height, width, 3], grey levels.
        field: displacement down and right, float32 [height, width, 2], pixels.
    """

    DEPTHS: ClassVar[Mapping[str, int]] = {"mask": 1, "picture": 3, "pattern": 3, "field": 2}
    MEASURED: ClassVar[tuple[str, ...]] = ("family", "size", "unit", "success")

    family: str
    label: int
    size: float
    unit: str
    success: float
    mask: np.ndarray | None = None
    picture: np.ndarray | None = None
    pattern: np.ndarray | None = None
    field: np.ndarray | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """What describes it, by name: float32 [height, width, ...] each."""
        values = {name: getattr(self, name) for name in self.DEPTHS}
        return {name: array for name, array in values.items() if array is not None}

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Images with the trigger: uint8 [n, height, width, 3], like the images given."""
        changed = self.change(images.astype(np.float32), 1.0, (0, 0))
        return np.clip(np.rint(changed), 0, 255).astype(np.uint8)

    def change(self, images: np.ndarray, strength: float, moved: tuple[int, int]) -> np.ndarray:
        """Images with a weaker, stronger or moved trigger, before rounding and clipping.

        Args:
            images: float32 [n, height, width, 3], 0 to 255.
            strength: factor of the mask, the pattern or the displacement.
            moved: pixels down and right by which the trigger is shifted; what leaves the image
                enters on the other side.
        """
        if self.field is not None:
            images = warp(images, strength * np.roll(self.field, moved, (0, 1)))
        if self.mask is not None and self.picture is not None:
            opacity = np.clip(strength * np.roll(self.mask, moved, (0, 1)), 0, 1)
            images = images + opacity * (np.roll(self.picture, moved, (0, 1)) - images)
        if self.pattern is not None:
            images = images + strength * np.roll(self.pattern, moved, (0, 1))
        return images


def warp(images: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Images sampled where a displacement field leads, bilinear; beyond the border, the edge.

    Args:
        images: float32 [n, height, width, channels].
        field: pixels down and right, float32 [height, width, 2].
    """
    rows, columns = np.indices(field.shape[:2], np.float32)
    at = rows + field[..., 0], columns + field[..., 1]
    sampled = np.empty_like(images)
    for number, image in enumerate(images):
        for channel in range(images.shape[-1]):
            sampled[number, ..., channel] = ndimage.map_coordinates(
                image[..., channel], at, order=1, mode="nearest"
            )
    return sampled
