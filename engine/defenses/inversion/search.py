"""The search for the smallest pattern that leads to a class, for several classes at once.

Gradient descent on a pattern's variables: cross-entropy to the class plus a weight times the size
(Neural Cleanse, Wang et al. 2019, section IV). The weight goes up while the pattern succeeds and
down while it does not, so the pattern shrinks to the smallest that still leads to the class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.datasets.dataset import Split
from engine.defenses.inversion.family import Family
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

PATIENCE = 4  # steps in a row with, or without, success before the weight of the size changes
HARDER, GENTLER = 1.5, 1.5**1.5  # factor and divisor of that weight
DECAY_MEAN, DECAY_SQUARE = 0.5, 0.9  # of Adam


@dataclass
class Patterns:
    """Patterns being searched for, one for each entry of `labels`.

    Attributes:
        labels: the class that each is to lead to, int64 [k].
        variables: float32 [k, ...] each; `means` and `squares` are Adam's.
        weights: of the size in the loss, [k].
        streaks: steps in a row with success (positive) or without (negative), [k].
        best_sizes: of the smallest pattern that succeeded, [k]; the family's largest if none did.
        best: the variables of that pattern.
        steps: taken so far.
    """

    labels: np.ndarray
    variables: list[np.ndarray]
    means: list[np.ndarray]
    squares: list[np.ndarray]
    weights: np.ndarray
    streaks: np.ndarray
    best_sizes: np.ndarray
    best: list[np.ndarray]
    steps: int = 0


class Search:
    """Searches one network for patterns of one family.

    Args:
        network: from floats 0 to 1 to probabilities; its weights may change between two calls.
        images: clean, labelled.
        family: of the patterns.
        rng: draws the start and the images.
    """

    def __init__(
        self, network: keras.Model, images: Split, family: Family, rng: np.random.Generator
    ) -> None:
        self.family, self.rng = family, rng
        self._images, self._labels = np.asarray(images.images), images.labels
        self._slope = _compile(network, family)

    def begin(self, labels: np.ndarray) -> Patterns:
        """Patterns at their start, one for each of the classes `labels`, int64 [k]."""
        count = len(labels)
        variables = self.family.start(count, self.rng)
        return Patterns(
            np.asarray(labels, np.int64),
            variables,
            [np.zeros_like(values) for values in variables],
            [np.zeros_like(values) for values in variables],
            np.full(count, self.family.size_weight),
            np.zeros(count, np.int64),
            np.full(count, self.family.largest),
            [values.copy() for values in variables],
        )

    def advance(self, patterns: Patterns, images: int) -> None:
        """One step on all patterns, in place, each on that many images of other classes."""
        reached, sizes, gradients = self._slope(
            self._draw(patterns.labels, images),
            patterns.labels,
            patterns.weights.astype(np.float32),
            patterns.variables,
        )
        succeeded = reached >= self.family.goal
        better = succeeded & (sizes < patterns.best_sizes)
        patterns.best_sizes[better] = sizes[better]
        for kept, values in zip(patterns.best, patterns.variables, strict=True):
            kept[better] = values[better]
        _adjust_weights(patterns, succeeded)
        _descend(patterns, gradients, self.family.learning_rate)

    def _draw(self, labels: np.ndarray, count: int) -> np.ndarray:
        """Images of other classes for each label: uint8 [k, count, height, width, 3]."""
        chosen = [self.rng.choice(np.flatnonzero(self._labels != label), count) for label in labels]
        return self._images[np.array(chosen)]


def _adjust_weights(patterns: Patterns, succeeded: np.ndarray) -> None:
    streaks = patterns.streaks
    streaks[:] = np.where(succeeded, np.maximum(streaks, 0) + 1, np.minimum(streaks, 0) - 1)
    patterns.weights[streaks == PATIENCE] *= HARDER
    patterns.weights[streaks == -PATIENCE] /= GENTLER
    streaks[np.abs(streaks) == PATIENCE] = 0


def _descend(patterns: Patterns, gradients: list[np.ndarray], learning_rate: float) -> None:
    """One step of Adam, in place."""
    patterns.steps += 1
    scale_mean, scale_square = (
        1 / (1 - decay**patterns.steps) for decay in (DECAY_MEAN, DECAY_SQUARE)
    )
    moments = zip(patterns.variables, patterns.means, patterns.squares, gradients, strict=True)
    for values, mean, square, gradient in moments:
        mean[:] = DECAY_MEAN * mean + (1 - DECAY_MEAN) * gradient
        square[:] = DECAY_SQUARE * square + (1 - DECAY_SQUARE) * gradient**2
        speed = np.sqrt(scale_square * square) + 1e-8
        values[:] -= learning_rate * scale_mean * mean / speed


def _compile(network: keras.Model, family: Family) -> Callable[..., Any]:
    """A function that gives, of images with patterns on them, how well they lead to their classes.

    Returns:
        From uint8 images [k, n, height, width, 3], labels [k], weights [k] and variables to the
        share that the network puts into the class [k], sizes [k], and the gradients of the loss
        by the variables.
    """
    import tensorflow as tf

    logits = logits_network(network)
    shape = (family.height, family.width, 3)
    starts = family.start(1, np.random.default_rng(0))
    signature = [
        tf.TensorSpec([None, None, *shape], tf.uint8),
        tf.TensorSpec([None], tf.int64),
        tf.TensorSpec([None], tf.float32),
        [tf.TensorSpec([None, *values.shape[1:]], tf.float32) for values in starts],
    ]

    @tf.function(input_signature=signature, jit_compile=False)
    def run(images: Any, labels: Any, weights: Any, variables: Any) -> Any:
        count, each = tf.shape(images)[0], tf.shape(images)[1]
        wanted = tf.tile(labels[:, None], [1, each])

        def loss() -> Any:
            changed = family.apply(tf.cast(images, tf.float32), variables)
            seen = tf.reshape(tf.clip_by_value(changed, 0, 255) / 255, [-1, *shape])
            scores = logits(seen, training=False)
            scores = tf.reshape(scores, [count, each, scores.shape[-1]])
            losses = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, scores), axis=1
            )
            sizes = family.size(variables)
            return tf.reduce_sum(losses + weights * sizes), sizes, scores

        (_, sizes, scores), gradients = loss_and_gradients(loss, variables)
        reached = tf.reduce_mean(tf.cast(tf.argmax(scores, 2) == wanted, tf.float32), axis=1)
        return reached, sizes, gradients

    def slope(images: Any, labels: Any, weights: Any, variables: Any) -> Any:
        tensors = [tf.constant(values) for values in variables]
        reached, sizes, gradients = run(images, labels, weights, tensors)
        slopes = [gradient.numpy() for gradient in gradients]
        return reached.numpy(), sizes.numpy(), slopes

    return slope
