"""Patches: a few pixels are covered by a picture (Neural Cleanse, Wang et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.defenses.inversion.overlay import Overlay


@dataclass(frozen=True)
class Patch(Overlay):
    """x' = (1 - m) x + m p with a mask m and a picture p; the size is the sum of the mask."""

    name: ClassVar[str] = "patch"
    title: ClassVar[str] = "a patch"
    unit: ClassVar[str] = "pixels"
    learning_rate: ClassVar[float] = 0.2
    goal: ClassVar[float] = 0.9
    size_weight: ClassVar[float] = 0.01
    largest: ClassVar[float] = 400.0
    steps: ClassVar[int] = 70
    power: ClassVar[float] = 2.0
    spread: ClassVar[float] = 0.2

    def start(self, count: int, rng: np.random.Generator) -> list[np.ndarray]:
        """See `Family.start`."""
        mask = rng.normal(-1, 0.1, (count, self.height, self.width, 1))
        picture = rng.normal(0, 1, (count, self.height, self.width, 3))
        return [mask.astype(np.float32), picture.astype(np.float32)]

    def size(self, variables: list[Any]) -> Any:
        """See `Family.size`."""
        import tensorflow as tf

        return tf.reduce_sum(tf.sigmoid(variables[0]), [1, 2, 3])
