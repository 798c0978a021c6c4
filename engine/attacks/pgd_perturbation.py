"""Perturbing images until their own class is hard to recognise, by projected gradient descent.

In a clean-label attack the poisoned images keep their label. A network then learns the content of
the image rather than the trigger, unless the content no longer predicts the label (Turner et al.
2019, section 4.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.attacks.triggers.trigger import to_uint8
from engine.core import progress
from engine.networks import running
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

STEPS = 20
STEP_SCALE = 2.5  # times radius / STEPS per step: enough to reach the edge and move along it


def perturb(
    network: keras.Model, images: np.ndarray, labels: np.ndarray, radius: float
) -> np.ndarray:
    """Projected gradient ascent on a surrogate's loss (Madry et al. 2018).

    Starts from the images themselves and stays within `radius` of them in the maximum norm.

    Args:
        network: the surrogate, from floats 0 to 1 to probabilities.
        images: uint8 [n, height, width, 3].
        labels: int [n], the images' own classes, whose loss is raised.
        radius: largest change of a pixel value, in grey levels.

    Returns:
        uint8 [n, height, width, 3].
    """
    import keras
    import tensorflow as tf

    logits = logits_network(network)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    step = STEP_SCALE * radius / STEPS / 255

    @tf.function(jit_compile=False, reduce_retracing=True)
    def pgd_step(start: Any, current: Any, classes: Any) -> Any:
        def loss() -> Any:
            return loss_of(classes, logits(current, training=False))

        moved = current + step * tf.sign(loss_and_gradients(loss, current)[1])
        projected = tf.clip_by_value(moved, start - radius / 255, start + radius / 255)
        return tf.clip_by_value(projected, 0, 1)

    perturbed = np.empty_like(images)
    for part in running.batches(len(images)):
        start = tf.constant(running.scale(images[part]))
        current = start
        for _ in range(STEPS):
            current = pgd_step(start, current, tf.constant(labels[part]))
        perturbed[part] = to_uint8(255 * current.numpy())
        progress.report(part.stop, len(images), "Perturbing the images to be poisoned")
    return perturbed
