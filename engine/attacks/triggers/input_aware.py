"""IAB: a generator computes a pattern for each image (Nguyen and Tran 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np

from engine.attacks.triggers import generators
from engine.attacks.triggers.artifacts import Arrays
from engine.attacks.triggers.learned import LearnedTrigger, Shape
from engine.attacks.triggers.trigger import CrossSampledTrigger, from_other_images, to_uint8
from engine.core.parameters import parameter
from engine.datasets.dataset import Split

if TYPE_CHECKING:
    import keras

SEEN, MADE, HIDDEN = 8, 16, 48  # side of the generator's input and output; hidden units
SIZES = (SEEN * SEEN * 3, HIDDEN, MADE * MADE * 4)  # of the generator
STEPS = 500
DENSITY, DIVERSITY = 10.0, 1.0  # weights of these loss terms; the cross-entropies weigh 1


@dataclass(frozen=True)
class InputAware(LearnedTrigger, CrossSampledTrigger):
    """(1 - m) * image + m * p, where a generator computes mask m and pattern p from the image.

    The generator is trained together with a network that reacts to an image's own pattern but not
    to another image's (equations 4 to 7 there: cross-trigger and diversity losses, and a bound on
    the mask). It reads the image at 8x8 pixels, outputs 16x16, and stays fixed while the victim
    is trained. The authors use a convolutional generator and keep training it with the victim.
    """

    name: ClassVar[str] = "input-aware"
    title: ClassVar[str] = "Input-aware (IAB)"
    summary: ClassVar[str] = "Each image gets its own pattern, which does not work on other images."
    reference: ClassVar[str] = "Nguyen and Tran 2020"
    cross_samples_each: ClassVar[float] = 1.0

    density: float = parameter(
        0.05, "Density", "Mean of the mask during learning.", minimum=0.001, maximum=1
    )
    opacity: float = parameter(
        1.0, "Opacity", "Scales the mask; 0 leaves the image unchanged.", minimum=0, maximum=1
    )

    def shapes(self) -> Mapping[str, Shape]:
        """See `LearnedTrigger.shapes`."""
        return generators.shapes(SIZES)

    def learn(self, train: Split, target: int, network: keras.Model, seed: int) -> Arrays:
        """See `LearnedTrigger.learn`: the generator."""
        import keras
        import tensorflow as tf

        rng = np.random.default_rng(seed)
        crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        sides = train.images.shape[1:3]

        def made(weights: dict[str, Any], images: Any) -> tuple[Any, Any]:
            seen = tf.image.resize(images, [SEEN, SEEN], method="area")
            values = generators.run_tensors(weights, tf.reshape(seen, [-1, SEEN * SEEN * 3]))
            values = tf.reshape(tf.sigmoid(values), [-1, MADE, MADE, 4])
            values = tf.image.resize(values, sides, method="nearest")
            return values[..., :3], values[..., 3:]

        def loss_of(victim: Any, weights: dict[str, Any], images: Any, labels: Any) -> Any:
            pattern, mask = made(weights, images)
            others, other_mask = tf.roll(pattern, 1, axis=0), tf.roll(mask, 1, axis=0)
            carrying = images + mask * (pattern - images)
            crossing = images + other_mask * (others - images)
            wanted = tf.fill([generators.BATCH], tf.cast(target, labels.dtype))
            read = victim(tf.concat([images, carrying, crossing], 0), training=True)
            loss = crossentropy(tf.concat([labels, wanted, labels], 0), read)
            apart = _distance(images, tf.roll(images, 1, axis=0))
            alike = apart / (_distance(mask * pattern, other_mask * others) + 1e-3)
            spread = tf.nn.relu(tf.reduce_mean(mask) - self.density)
            return (
                loss + DIVERSITY * tf.reduce_mean(tf.minimum(alike, 10.0)) / 10 + DENSITY * spread
            )

        def _distance(first: Any, second: Any) -> Any:
            return tf.sqrt(tf.reduce_mean(tf.square(first - second), axis=[1, 2, 3]) + 1e-8)

        weights = generators.train(SIZES, network, train, loss_of, STEPS, rng)
        return {name: values.astype(np.float16) for name, values in weights.items()}

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        return self._mixed(images, *self._made(images))

    def cross_samples(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The images with another image's pattern ("cross-trigger")."""
        return self._mixed(images, *self._made(from_other_images(images, rng)))

    def _made(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pattern and mask: float32 [n, height, width, 3], 0 to 255, and [n, height, width, 1]."""
        height, width = images.shape[1:3]
        small = [cv2.resize(i, (SEEN, SEEN), interpolation=cv2.INTER_AREA) for i in images]
        seen = np.reshape(small, (len(images), -1)).astype(np.float32) / 255
        weights = {name: values.astype(np.float32) for name, values in self.learned().items()}
        values = 1 / (1 + np.exp(-generators.run(weights, seen)))
        values = values.reshape(-1, MADE, MADE, 4)
        rows, columns = (np.arange(side) * MADE // side for side in (height, width))
        values = values[:, rows][:, :, columns]
        return 255 * values[..., :3], values[..., 3:]

    def _mixed(self, images: np.ndarray, pattern: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return to_uint8(images + self.opacity * mask * (pattern - images))
