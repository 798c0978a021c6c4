"""Blends: one picture over the whole image, of one opacity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.defenses.inversion.overlay import Overlay


@dataclass(frozen=True)
class Blend(Overlay):
    """x' = (1 - a) x + a p with a number a and a picture p; the size is a."""

    name: ClassVar[str] = "blend"
    title: ClassVar[str] = "a picture blended over the image"
    unit: ClassVar[str] = "opacity"
    learning_rate: ClassVar[float] = 0.1
    goal: ClassVar[float] = 0.9
    size_weight: ClassVar[float] = 3.0
    largest: ClassVar[float] = 1.0
    steps: ClassVar[int] = 60
    spread: ClassVar[float] = 0.2

    def start(self, count: int, rng: np.random.Generator) -> list[np.ndarray]:
        """See `Family.start`."""
        picture = rng.normal(0, 0.5, (count, self.height, self.width, 3))
        return [np.full((count, 1, 1, 1), -0.5, np.float32), picture.astype(np.float32)]

    def size(self, variables: list[Any]) -> Any:
        """See `Family.size`."""
        import tensorflow as tf

        return tf.reshape(tf.sigmoid(variables[0]), [-1])
