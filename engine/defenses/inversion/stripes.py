"""Stripes: one wave profile along an axis, the same for every row and colour (as SIG adds)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import fft

from engine.defenses.inversion.family import Arrays, Family

COARSEST = 4  # half waves across the image


@dataclass(frozen=True)
class Stripes(Family):
    """x' = x + w along one axis, w by its DCT coefficients; the size is the root mean square of w.

    Coefficients below `COARSEST` are left out: they shade an image more than they stripe it, and
    any network has classes that a shade leads to.

    Attributes:
        axis: 0 if the profile changes from row to row, 1 from column to column.
    """

    unit: ClassVar[str] = "grey levels"
    learning_rate: ClassVar[float] = 8.0
    goal: ClassVar[float] = 0.6
    size_weight: ClassVar[float] = 0.03
    largest: ClassVar[float] = 127.0
    steps: ClassVar[int] = 50
    axis: ClassVar[int]

    @property
    def length(self) -> int:
        """Pixels along the axis."""
        return (self.height, self.width)[self.axis]

    def start(self, count: int, rng: np.random.Generator) -> list[np.ndarray]:
        """See `Family.start`."""
        coefficients = len(_inverse_dct(self.length))
        return [rng.normal(0, 1, (count, coefficients)).astype(np.float32)]

    def apply(self, images: Any, variables: list[Any]) -> Any:
        """See `Family.apply`."""
        import tensorflow as tf

        waves = tf.matmul(variables[0], _inverse_dct(self.length))
        return images + tf.expand_dims(waves, 2 - self.axis)[:, None, :, :, None]

    def size(self, variables: list[Any]) -> Any:
        """See `Family.size`."""
        import tensorflow as tf

        # By Parseval's theorem the coefficients have the norm of the wave.
        return tf.sqrt(tf.reduce_sum(variables[0] ** 2, axis=1) / self.length + 1e-8)

    def arrays(self, variables: list[np.ndarray]) -> Arrays:
        """See `Family.arrays`."""
        wave = (variables[0] @ _inverse_dct(self.length)).astype(np.float32)
        along = wave[None, :] if self.axis == 1 else wave[:, None]
        pattern = np.broadcast_to(along[..., None], (self.height, self.width, 3))
        return {"pattern": pattern.copy()}


@dataclass(frozen=True)
class VerticalStripes(Stripes):
    """Stripes that run from top to bottom: the profile changes from column to column."""

    name: ClassVar[str] = "vertical-stripes"
    title: ClassVar[str] = "vertical stripes"
    spread: ClassVar[float] = 1.0
    axis: ClassVar[int] = 1


@dataclass(frozen=True)
class HorizontalStripes(Stripes):
    """Stripes that run from left to right: the profile changes from row to row."""

    name: ClassVar[str] = "horizontal-stripes"
    title: ClassVar[str] = "horizontal stripes"
    spread: ClassVar[float] = 0.9
    axis: ClassVar[int] = 0


def _inverse_dct(length: int) -> np.ndarray:
    """Coefficients from `COARSEST` on, times this float32 matrix, are profiles [n, length]."""
    finest = fft.idct(np.eye(length), axis=1, norm="ortho")[min(COARSEST, length - 1) :]
    return finest.astype(np.float32)
