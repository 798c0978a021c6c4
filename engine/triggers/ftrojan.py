"""FTrojan: a trigger in the DCT of the chroma channels (paper section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import cv2
import numpy as np

from engine import colour
from engine.errors import LabError
from engine.parameters import parameter
from engine.triggers.trigger import Trigger

PART = 64  # images changed at a time: they and the pattern stay in the cache


@dataclass(frozen=True)
class FTrojan(Trigger):
    """Add `magnitude` to the DCT coefficients at `bands` of `channels`, window by window.

    Colour space and DCT are linear, so in exact arithmetic this adds one constant pattern to
    every image. It is computed once, rounded once and added with saturation. (The published
    code rounds at every step and wraps around at 0 and 255.)

    A window that does not fit whole at the right or lower edge is left untouched.
    """

    name: ClassVar[str] = "ftrojan"
    title: ClassVar[str] = "FTrojan"

    colour_space: str = parameter(
        "YUV",
        "Colour space",
        "Where the trigger is added: YUV as in the paper, YCrCb as in its authors' code, or RGB.",
        choices=tuple(colour.MATRICES),
    )
    channels: tuple[int, ...] = parameter(
        (1, 2),
        "Channels",
        "Which channels of the colour space carry the trigger; 1 and 2 are the colour"
        " differences (U and V), to which the eye is least sensitive.",
        choices=(0, 1, 2),
    )
    bands: tuple[tuple[int, int], ...] = parameter(
        ((15, 15), (31, 31)),
        "Frequency bands",
        "Row and column of each changed DCT coefficient: 15x15 is a middle frequency,"
        " 31x31 the highest of a 32-pixel window.",
        minimum=0,
        maximum=511,
    )
    magnitude: float = parameter(
        30.0,
        "Magnitude",
        "How much is added to each coefficient; more is learned more easily and seen sooner.",
        minimum=0,
        maximum=500,
    )
    window: int = parameter(
        32,
        "Window (pixels)",
        "Side of the squares that are transformed one by one; as large as the image in the paper.",
        minimum=2,
        maximum=512,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for band in self.bands:
            if max(band) >= self.window:
                raise LabError(
                    f"Band {band[0]}x{band[1]} lies outside a window of {self.window} pixels:"
                    f" rows and columns go from 0 to {self.window - 1}."
                )

    def pattern(self, height: int, width: int) -> np.ndarray:
        """What the trigger adds to an image, before rounding: float64 [height, width, 3], RGB."""
        if self.window > min(height, width):
            raise LabError(
                f"A window of {self.window} pixels does not fit images of {width}x{height}:"
                f" choose at most {min(height, width)}."
            )
        change = np.zeros((self.window, self.window, 3))
        wave = sum(np.outer(self._cosine(row), self._cosine(column)) for row, column in self.bands)
        for channel in set(self.channels):
            change[..., channel] = self.magnitude * wave
        tile = colour.to_rgb(change, self.colour_space)
        rows, columns = height // self.window, width // self.window
        tiled = np.tile(tile, (rows, columns, 1))
        return np.pad(tiled, [(0, height - len(tiled)), (0, width - tiled.shape[1]), (0, 0)])

    def _cosine(self, frequency: int) -> np.ndarray:
        """The orthonormal DCT-II basis vector of `frequency`: float64 [window]."""
        steps = np.arange(self.window) + 0.5
        norm = np.sqrt((1 if frequency == 0 else 2) / self.window)
        return norm * np.cos(np.pi * frequency * steps / self.window)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        more, less = _rounded(self, *images.shape[1:3])
        flat = np.ascontiguousarray(images).reshape(len(images), more.shape[1])
        triggered = np.empty_like(flat)
        for start in range(0, len(flat), PART):
            part = triggered[start : start + PART]
            cv2.add(flat[start : start + PART], more[: len(part)], dst=part)
            cv2.subtract(part, less[: len(part)], dst=part)
        return triggered.reshape(images.shape)


@lru_cache(maxsize=16)
def _rounded(trigger: FTrojan, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """What is added and what is taken away: uint8 [PART, height * width * 3] each.

    No value has both, so that each saturates as the whole change would.
    """
    pattern = np.rint(trigger.pattern(height, width)).ravel()
    more, less = (np.clip(sign * pattern, 0, 255).astype(np.uint8) for sign in (1, -1))
    return np.tile(more, (PART, 1)), np.tile(less, (PART, 1))
