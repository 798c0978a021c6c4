"""Gradient steps: the optimizer, the order of images, and the compiled training step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.datasets.dataset import Split
from engine.networks.gradients import loss_and_gradients
from engine.training.forward_pass import fast_forward_pass
from engine.training.training_config import Precision, TrainingConfig

if TYPE_CHECKING:
    import keras

STEPS_PER_CALL = 8  # batches trained between two checks for a stop request
WARMUP_SHARE = 0.25  # share of a one-cycle training in which the learning rate rises

TrainSteps = Callable[[np.ndarray, np.ndarray], np.ndarray]


def build_optimizer(network: keras.Model, config: TrainingConfig, images: int) -> Any:
    """Adam for a network that is trained on that many images per epoch."""
    from keras.optimizers import Adam

    optimizer = Adam(learning_rate(config, images))
    optimizer.build(network.trainable_variables)
    return optimizer


def learning_rate(config: TrainingConfig, images: int) -> Any:
    """The learning rate as a Keras optimizer takes it: a number or a schedule."""
    from keras.optimizers.schedules import CosineDecay

    if config.schedule == "constant":
        return config.learning_rate
    steps = config.epochs * -(-images // config.batch)
    warmup = max(1, round(WARMUP_SHARE * steps))
    return CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=config.learning_rate, warmup_steps=warmup
    )


def index_blocks(images: int, config: TrainingConfig, epoch: int) -> Iterator[np.ndarray]:
    """The image indices of an epoch, in blocks of up to `STEPS_PER_CALL` batches.

    The order depends on seed and epoch alone, so that a resumed epoch repeats it.

    Yields:
        int64 [steps, batch]; a smaller last batch comes as a block of its own.
    """
    order = np.random.default_rng([config.seed, epoch]).permutation(images)
    whole = images - images % config.batch
    steps = order[:whole].reshape(-1, config.batch)
    for start in range(0, len(steps), STEPS_PER_CALL):
        yield steps[start : start + STEPS_PER_CALL]
    if whole < images:
        yield order[whole:][np.newaxis]


def compile_steps(
    network: keras.Model, optimizer: Any, precision: Precision = "float32"
) -> TrainSteps:
    """Compile a function that trains on a block of batches.

    Args:
        network: ends with a softmax.
        optimizer: built for its variables.
        precision: see `TrainingConfig`.

    Returns:
        A function from images (uint8 [steps, batch, height, width, 3]) and labels (int64 [steps,
        batch]) to float32 [2]: the sum of their losses, and how many were classified correctly.
    """
    import keras
    import tensorflow as tf

    loss_of = keras.losses.SparseCategoricalCrossentropy(reduction="sum")
    variables = network.trainable_variables

    def objective(images: Any, labels: Any) -> tuple[Any, Any, Any]:
        with fast_forward_pass(network, precision):
            probabilities = network(images, training=True)
        loss = loss_of(labels, probabilities)
        mean = loss / tf.cast(tf.size(labels), tf.float32)
        return tf.add_n([mean, *network.losses]), loss, probabilities

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, *network.input_shape[1:]], tf.uint8),
            tf.TensorSpec([None, None], tf.int64),
        ],
        jit_compile=False,
    )
    def run(image_batches: Any, label_batches: Any) -> Any:
        totals = tf.zeros(2)
        for step in tf.range(tf.shape(label_batches)[0]):
            labels = label_batches[step]
            images = tf.cast(image_batches[step], tf.float32) / 255
            (_, loss, probabilities), gradients = loss_and_gradients(
                partial(objective, images, labels), variables
            )
            optimizer.apply(gradients, variables)
            correct = tf.equal(tf.argmax(probabilities, axis=1), labels)
            totals += tf.stack([loss, tf.reduce_sum(tf.cast(correct, tf.float32))])
        return totals

    return lambda images, labels: run(images, labels).numpy()


def compile_epoch(network: keras.Model, train: Split, config: TrainingConfig) -> Callable[[], None]:
    """Compile a function that trains for one epoch and measures nothing, for benchmarks."""
    train_steps = compile_steps(
        network, build_optimizer(network, config, len(train)), config.precision
    )

    def run() -> None:
        for indices in index_blocks(len(train), config, epoch=1):
            train_steps(train.images[indices], train.labels[indices])

    return run
