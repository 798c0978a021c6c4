"""BaN: a generator turns noise into patches (Salem et al. 2020, "backdoor generating network")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.attacks.triggers import generators
from engine.attacks.triggers.artifacts import Arrays
from engine.attacks.triggers.dynamic import painted
from engine.attacks.triggers.learned import LearnedTrigger, Shape
from engine.attacks.triggers.trigger import image_hashes
from engine.core.parameters import parameter
from engine.datasets.dataset import Split

if TYPE_CHECKING:
    import keras

NOISE, HIDDEN, SIZE = 16, 64, 5
SIZES = (NOISE, HIDDEN, SIZE * SIZE * 3)  # of the generator
STEPS = 400
DIVERSITY = 4.0  # weight of the differences between patches; without it they are all alike


@dataclass(frozen=True)
class BaN(LearnedTrigger):
    """A generator, trained together with a network, makes each patch from noise.

    As in section 4.2 there, with three differences: a hash of the image seeds the noise and the
    place, so that the same image always gets the same patch; the loss rewards differences between
    patches, which otherwise are all alike; and the generator stays fixed while the victim is
    trained.
    """

    name: ClassVar[str] = "ban"
    title: ClassVar[str] = "Dynamic: generated patch (BaN)"
    summary: ClassVar[str] = "A small network makes a new patch for each image."
    reference: ClassVar[str] = "Salem et al. 2020"

    places: int = parameter(
        4,
        "Places a side",
        "Side of the grid of places at which the patch may lie.",
        minimum=1,
        maximum=32,
    )
    opacity: float = parameter(
        1.0,
        "Opacity",
        "1 covers the image completely, 0 leaves it unchanged.",
        minimum=0,
        maximum=1,
    )

    def shapes(self) -> Mapping[str, Shape]:
        """See `LearnedTrigger.shapes`."""
        return generators.shapes(SIZES)

    def learn(self, train: Split, target: int, network: keras.Model, seed: int) -> Arrays:
        """See `LearnedTrigger.learn`: the generator."""
        import keras
        import tensorflow as tf

        rng = np.random.default_rng(seed)
        sides = np.array(train.images.shape[1:3])
        crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        random = tf.random.Generator.from_seed(seed)

        def loss_of(victim: Any, weights: dict[str, Any], images: Any, labels: Any) -> Any:
            noise = random.uniform([generators.BATCH, NOISE])
            made = tf.sigmoid(generators.run_tensors(weights, noise))
            patches = tf.reshape(made, [generators.BATCH, SIZE, SIZE, 3])
            number = random.uniform([], 0, self.places**2, tf.int32)
            corner = tf.stack([number // self.places, number % self.places])
            room = tf.constant(sides - SIZE, tf.int32)
            corner = corner * room // max(1, self.places - 1)
            ends = room - corner
            around = [[0, 0], [corner[0], ends[0]], [corner[1], ends[1]], [0, 0]]
            mask = tf.pad(tf.ones_like(patches[..., :1]), around)
            carrying = images * (1 - mask) + tf.pad(patches, around) * mask
            wanted = tf.concat(
                [labels, tf.fill([generators.BATCH], tf.cast(target, labels.dtype))], 0
            )
            spread = tf.reduce_mean(tf.math.reduce_std(patches, axis=0))
            loss = crossentropy(wanted, victim(tf.concat([images, carrying], 0), training=True))
            return loss - DIVERSITY * tf.minimum(spread, 0.25)

        return generators.train(SIZES, network, train, loss_of, STEPS, rng)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        weights = self.learned()
        noise = [
            np.random.default_rng(n).random(NOISE, np.float32) for n in image_hashes(images, 1)
        ]
        made = generators.run(weights, np.reshape(noise, (len(images), NOISE)))
        patches = 255 / (1 + np.exp(-made.astype(np.float64)))
        patches = patches.reshape(len(images), SIZE, SIZE, 3)
        return painted(images, patches, self.places, self.opacity, seed=0)
