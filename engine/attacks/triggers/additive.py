"""Base of the triggers that add the same pattern to every image."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from engine.attacks.triggers.trigger import Trigger

CHUNK = 64  # images at a time, so that they and the pattern fit the processor's cache


@dataclass(frozen=True)
class AdditiveTrigger(Trigger):
    """The pattern is computed once, rounded once, and added with saturation."""

    @abstractmethod
    def pattern(self, height: int, width: int) -> np.ndarray:
        """What the trigger adds to an image, before rounding: float64 [height, width, 3], RGB.

        Raises:
            UserError: the parameters do not fit images of this size.
        """

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        more, less = _rounded(self, *images.shape[1:3])
        flat = np.ascontiguousarray(images).reshape(len(images), more.shape[1])
        triggered = np.empty_like(flat)
        for start in range(0, len(flat), CHUNK):
            part = triggered[start : start + CHUNK]
            cv2.add(flat[start : start + CHUNK], more[: len(part)], dst=part)
            cv2.subtract(part, less[: len(part)], dst=part)
        return triggered.reshape(images.shape)


@lru_cache(maxsize=32)
def _rounded(trigger: AdditiveTrigger, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The positive and the negative part of the pattern: uint8 [CHUNK, height * width * 3] each.

    At most one of them is non-zero for each value, so that adding one and subtracting the other
    saturates like adding the whole.
    """
    pattern = np.rint(trigger.pattern(height, width)).ravel()
    more, less = (np.clip(sign * pattern, 0, 255).astype(np.uint8) for sign in (1, -1))
    return np.tile(more, (CHUNK, 1)), np.tile(less, (CHUNK, 1))
