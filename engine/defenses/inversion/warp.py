"""Warps: every image is bent by the same smooth displacement (as WaNet bends)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.defenses.inversion.family import Arrays, Family

GRID = 4  # control points along each axis


@dataclass(frozen=True)
class Warp(Family):
    """x' = x sampled where a displacement field leads; the size is its mean length in pixels.

    The field is enlarged from a grid of 4x4 control points by cubic interpolation.
    """

    name: ClassVar[str] = "warp"
    title: ClassVar[str] = "a warp of the image"
    unit: ClassVar[str] = "pixels"
    learning_rate: ClassVar[float] = 0.1
    goal: ClassVar[float] = 0.8
    size_weight: ClassVar[float] = 0.3
    largest: ClassVar[float] = 6.0
    steps: ClassVar[int] = 30
    spread: ClassVar[float] = 0.5

    def start(self, count: int, rng: np.random.Generator) -> list[np.ndarray]:
        """See `Family.start`."""
        return [rng.normal(0, 0.5, (count, GRID, GRID, 2)).astype(np.float32)]

    def apply(self, images: Any, variables: list[Any]) -> Any:
        """See `Family.apply`; beyond the border, the image's edge is repeated."""
        import tensorflow as tf

        height, width = self.height, self.width
        field = self._fields(variables[0])
        down = tf.clip_by_value(np.arange(height)[:, None] + field[..., 0], 0, height - 1)
        right = tf.clip_by_value(np.arange(width)[None] + field[..., 1], 0, width - 1)
        top, left = tf.minimum(tf.floor(down), height - 2), tf.minimum(tf.floor(right), width - 2)
        below, beside = (
            (at - floor)[:, :, :, None, None] for at, floor in ((down, top), (right, left))
        )
        first = tf.reshape(tf.cast(top * width + left, tf.int32), [-1, height * width])
        # The images come last, so that a single gather serves all of them.
        pixels = tf.transpose(images, [0, 2, 3, 1, 4])
        shape = tf.shape(pixels)
        pixels = tf.reshape(pixels, [shape[0], height * width, shape[3], 3])

        def taken(offset: int) -> Any:
            return tf.reshape(tf.gather(pixels, first + offset, batch_dims=1), shape)

        upper = taken(0) * (1 - beside) + taken(1) * beside
        lower = taken(width) * (1 - beside) + taken(width + 1) * beside
        return tf.transpose(upper * (1 - below) + lower * below, [0, 3, 1, 2, 4])

    def size(self, variables: list[Any]) -> Any:
        """See `Family.size`."""
        import tensorflow as tf

        squares = tf.reduce_sum(self._fields(variables[0]) ** 2, axis=3)
        return tf.reduce_mean(tf.sqrt(squares + 1e-8), [1, 2])

    def arrays(self, variables: list[np.ndarray]) -> Arrays:
        """See `Family.arrays`."""
        return {"field": self._fields(variables[0][None])[0].numpy()}

    def _fields(self, controls: Any) -> Any:
        """Displacements in pixels, down and right: [patterns, height, width, 2]."""
        import tensorflow as tf

        down, across = (_enlarging(side) for side in (self.height, self.width))
        return tf.einsum("ia,kabc,jb->kijc", down, controls, across)


def _enlarging(side: int) -> np.ndarray:
    """The cubic interpolation from `GRID` control points to `side` pixels: float32 [side, GRID]."""
    import cv2

    return np.stack(
        [cv2.resize(point, (1, side), interpolation=cv2.INTER_CUBIC)[:, 0] for point in _points()],
        axis=1,
    )


def _points() -> np.ndarray:
    return np.eye(GRID, dtype=np.float32)[:, :, None]
