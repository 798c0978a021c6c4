"""Images pushed away from their class, so that only a trigger is left to learn from.

Clean-label attacks keep the label; unless the picture itself has become hard to read, a network
learns the picture and not the trigger (Turner et al. 2019, section 4.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.attacks.triggers.trigger import to_uint8
from engine.core import progress
from engine.networks import architectures

if TYPE_CHECKING:
    import keras

STEPS = 20
FURTHER = 2.5  # times radius / STEPS, a step: enough to reach the edge and turn there


def perturb(
    network: keras.Model, images: np.ndarray, labels: np.ndarray, radius: float
) -> np.ndarray:
    """Projected gradient ascent on a surrogate's loss (Madry et al. 2018), from the image itself.

    Args:
        network: the surrogate, from floats 0 to 1 to probabilities.
        images: uint8 [n, height, width, 3].
        labels: int [n], the classes they are pushed away from.
        radius: the most a value may change, grey levels.

    Returns:
        uint8 [n, height, width, 3].
    """
    import keras
    import tensorflow as tf

    loss_of = keras.losses.SparseCategoricalCrossentropy()
    step = FURTHER * radius / STEPS / 255

    @tf.function(jit_compile=False, reduce_retracing=True)
    def pgd_step(start: Any, now: Any, wrong: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(now)
            loss = loss_of(wrong, network(now, training=False))
        further = now + step * tf.sign(tape.gradient(loss, now))
        near = tf.clip_by_value(further, start - radius / 255, start + radius / 255)
        return tf.clip_by_value(near, 0, 1)

    moved = np.empty_like(images)
    for part in architectures.batches(len(images)):
        start = tf.constant(architectures.scale(images[part]))
        now = start
        for _ in range(STEPS):
            now = pgd_step(start, now, tf.constant(labels[part]))
        moved[part] = to_uint8(255 * now.numpy())
        progress.report(part.stop, len(images), "Pushing images away from their class")
    return moved
