"""The training loop of all repairs that use gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core import progress
from engine.datasets.dataset import Split
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

BATCH = 64


def run_epochs(
    step: Callable[[np.ndarray], Any],
    count: int,
    epochs: int,
    rng: np.random.Generator,
    message: str,
    batch: int = BATCH,
) -> None:
    """Call `step` with the indices of each batch, int64 [batch], in a new order each epoch.

    Images that do not fill a last batch are left to the next epoch; fewer images than a batch
    make one batch.
    """
    batch = min(batch, count)
    steps = count // batch
    for epoch in range(epochs):
        order = rng.permutation(count)[: steps * batch].reshape(steps, batch)
        for number, indices in enumerate(order):
            step(indices)
            if number % 4 == 3 or number == steps - 1:
                progress.report(epoch * steps + number + 1, epochs * steps, message)


def count_steps(count: int, epochs: int, batch: int = BATCH) -> int:
    """How often `run_epochs` calls its step."""
    return epochs * (count // min(batch, count))


def cosine_decay(learning_rate: float, steps: int) -> Any:
    """A learning rate that decays to 0 over `steps`, along half a cosine."""
    from keras.optimizers.schedules import CosineDecay

    return CosineDecay(learning_rate, max(1, steps))


def batch_reader(split: Split) -> Callable[[Any], tuple[Any, Any]]:
    """A function for TensorFlow graphs: from indices to float images 0 to 255 and labels."""
    import tensorflow as tf

    images, labels = tf.constant(np.asarray(split.images)), tf.constant(split.labels)
    return lambda indices: (
        tf.cast(tf.gather(images, indices), tf.float32),
        tf.gather(labels, indices),
    )


def compile_step(
    split: Split,
    variables: list[Any],
    optimizer: Any,
    loss: Callable[[Any, Any], Any],
    adjust: Callable[[list[Any]], list[Any]] = list,
) -> Callable[[np.ndarray], Any]:
    """Compile one step of gradient descent.

    Args:
        split: the images to learn from.
        variables: what is learned.
        optimizer: built for them.
        loss: from float images 0 to 1 [m, height, width, 3] and labels [m] to a scalar.
        adjust: changes the gradients before the optimizer applies them.

    Returns:
        A function that takes the step on the images at some indices, int64 [m].
    """
    import tensorflow as tf

    taken = batch_reader(split)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], jit_compile=False)
    def step(indices: Any) -> None:
        images, labels = taken(indices)
        _, gradients = loss_and_gradients(lambda: loss(images / 255, labels), variables)
        optimizer.apply(adjust(gradients), variables)

    stepped: Callable[[np.ndarray], Any] = step
    return stepped


def fine_tune(
    network: keras.Model,
    split: Split,
    learning_rate: float,
    epochs: int,
    rng: np.random.Generator,
    message: str,
    free: Callable[[Any], Any] = lambda variable: np.ones(variable.shape),
) -> keras.Model:
    """Fit `network` to clean images, in place, with Adam and cross-entropy.

    Args:
        network: from floats 0 to 1 to probabilities.
        split: what it learns.
        learning_rate: the highest; it decays to 0.
        epochs: passes over the images.
        rng: random generator of their order.
        message: of the progress.
        free: from a variable's values to what their gradient is multiplied with; 0 holds a
            weight where it is.
    """
    import keras
    import tensorflow as tf

    variables = network.trainable_variables
    factors = [tf.constant(free(variable), tf.float32) for variable in variables]
    optimizer = keras.optimizers.Adam(cosine_decay(learning_rate, count_steps(len(split), epochs)))
    optimizer.build(variables)
    logits = logits_network(network)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(images: Any, labels: Any) -> Any:
        return loss_of(labels, logits(images, training=True))

    def free_only(gradients: list[Any]) -> list[Any]:
        return [gradient * factor for gradient, factor in zip(gradients, factors, strict=True)]

    step = compile_step(split, variables, optimizer, loss, free_only)
    run_epochs(step, len(split), epochs, rng, message)
    return network
