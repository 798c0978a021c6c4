"""FTrojan: a trigger in the DCT of the chroma channels (paper section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.attacks.triggers.additive import AdditiveTrigger
from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.imaging import colour


@dataclass(frozen=True)
class FTrojan(AdditiveTrigger):
    """Add `magnitude` to the DCT coefficients at `bands` of `channels`, window by window.

    Colour space and DCT are linear, so in exact arithmetic this adds one constant pattern to
    every image. (The published code rounds at every step and wraps around at 0 and 255.)

    Pixels at the right and lower edge that do not fill a whole window are not changed.
    """

    name: ClassVar[str] = "ftrojan"
    title: ClassVar[str] = "FTrojan"
    summary: ClassVar[str] = (
        "A few colour waves over the whole image, too fine and too faint to see."
    )
    reference: ClassVar[str] = "Wang et al. 2022"

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
        "Added to each coefficient; a higher value is easier to learn and easier to see.",
        minimum=0,
        maximum=500,
    )
    window: int = parameter(
        32,
        "Window (pixels)",
        "Side of the squares that are transformed separately; the paper's is the whole image.",
        minimum=2,
        maximum=512,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for band in self.bands:
            if max(band) >= self.window:
                raise UserError(
                    f"Band {band[0]}x{band[1]} lies outside a window of {self.window} pixels:"
                    f" rows and columns go from 0 to {self.window - 1}."
                )

    def pattern(self, height: int, width: int) -> np.ndarray:
        """What the trigger adds to an image, before rounding: float64 [height, width, 3], RGB."""
        if self.window > min(height, width):
            raise UserError(
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
