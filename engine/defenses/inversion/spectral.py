"""Spectral patterns: DCT coefficients of Y, U and V, added to every image (as FTrojan adds)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import fft

from engine.defenses.inversion.family import Arrays, Family
from engine.imaging import colour, dct


@dataclass(frozen=True)
class Spectral(Family):
    """x' = x + DCT^-1(c); the size is the root mean square of what is added."""

    name: ClassVar[str] = "spectral"
    title: ClassVar[str] = "a pattern of frequencies"
    unit: ClassVar[str] = "grey levels"
    learning_rate: ClassVar[float] = 8.0
    goal: ClassVar[float] = 0.9
    size_weight: ClassVar[float] = 0.1
    largest: ClassVar[float] = 60.0
    steps: ClassVar[int] = 40
    spread: ClassVar[float] = 0.3
    is_general: ClassVar[bool] = True

    def start(self, count: int, rng: np.random.Generator) -> list[np.ndarray]:
        """See `Family.start`."""
        return [rng.normal(0, 0.1, (count, 3, self.height, self.width)).astype(np.float32)]

    def apply(self, images: Any, variables: list[Any]) -> Any:
        """See `Family.apply`."""
        return images + self._pictures(variables[0])[:, None]

    def size(self, variables: list[Any]) -> Any:
        """See `Family.size`."""
        import tensorflow as tf

        return tf.sqrt(tf.reduce_mean(self._pictures(variables[0]) ** 2, [1, 2, 3]) + 1e-8)

    def arrays(self, variables: list[np.ndarray]) -> Arrays:
        """See `Family.arrays`."""
        return {"pattern": dct.inverse(variables[0]).astype(np.float32)}

    def _pictures(self, coefficients: Any) -> Any:
        """What is added: [patterns, height, width, 3]; the coefficients are [patterns, 3, ...]."""
        import tensorflow as tf

        down, across = (
            fft.idct(np.eye(side), axis=0, norm="ortho").astype(np.float32)
            for side in (self.height, self.width)
        )
        planes = tf.einsum("ia,kcab,jb->kijc", down, coefficients, across)
        return tf.einsum("kijc,dc->kijd", planes, np.linalg.inv(colour.YUV).astype(np.float32))
