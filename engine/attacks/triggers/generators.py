"""Small networks that make triggers: trained in TensorFlow, run in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.attacks.triggers.artifacts import Arrays
from engine.core import progress
from engine.datasets.dataset import Split
from engine.networks import edit, running

if TYPE_CHECKING:
    import keras

BATCH = 64
GENERATOR_RATE, NETWORK_RATE = 3e-3, 3e-4  # Adam's


def initial(sizes: tuple[int, int, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of a generator with one hidden layer.

    Args:
        sizes: of input, hidden layer and output.
    """
    inputs, hidden, outputs = sizes
    return {
        "first": rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden)).astype(np.float32),
        "first_bias": np.zeros(hidden, np.float32),
        "second": rng.normal(0, np.sqrt(1 / hidden), (hidden, outputs)).astype(np.float32),
        "second_bias": np.zeros(outputs, np.float32),
    }


def shapes(sizes: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    """The shape of each of the weights that `initial` makes."""
    inputs, hidden, outputs = sizes
    return {
        "first": (inputs, hidden),
        "first_bias": (hidden,),
        "second": (hidden, outputs),
        "second_bias": (outputs,),
    }


def run(weights: Arrays, inputs: np.ndarray) -> np.ndarray:
    """float32 [n, inputs] to float32 [n, outputs]."""
    hidden = np.maximum(inputs @ weights["first"] + weights["first_bias"], 0)
    made: np.ndarray = hidden @ weights["second"] + weights["second_bias"]
    return made


def run_tensors(weights: dict[str, Any], inputs: Any) -> Any:
    """`run`, for use inside TensorFlow."""
    import tensorflow as tf

    hidden = tf.nn.relu(inputs @ weights["first"] + weights["first_bias"])
    return hidden @ weights["second"] + weights["second_bias"]


def train(
    weights: Arrays,
    network: keras.Model,
    split: Split,
    loss_of: Callable[[Any, dict[str, Any], Any, Any], Any],
    steps: int,
    rng: np.random.Generator,
    message: str,
) -> dict[str, np.ndarray]:
    """Fit a generator together with a copy of `network` that learns to obey it.

    Args:
        weights: to begin with.
        network: left as it is.
        split: clean training images.
        loss_of: from the network (floats 0 to 1 to probabilities), the generator's weights,
            images float 0 to 1 and labels to the loss.
        steps: batches.
        rng: decides which images.
        message: of the progress.
    """
    import keras
    import tensorflow as tf

    obedient = edit.clone_network(network)
    variables = {name: tf.Variable(value) for name, value in weights.items()}
    own, others = list(variables.values()), obedient.trainable_variables
    optimizers = keras.optimizers.Adam(GENERATOR_RATE), keras.optimizers.Adam(NETWORK_RATE)
    optimizers[0].build(own)
    optimizers[1].build(others)

    @tf.function(jit_compile=False, reduce_retracing=True)
    def step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(obedient, variables, images, labels)
        slopes = tape.gradient(loss, [*own, *others])
        optimizers[0].apply(slopes[: len(own)], own)
        optimizers[1].apply(slopes[len(own) :], others)

    for number in range(steps):
        some = rng.integers(0, len(split), BATCH)
        step(tf.constant(running.scale(split.images[some])), tf.constant(split.labels[some]))
        if number % 5 == 4 or number == steps - 1:
            progress.report(number + 1, steps, message)
    return {name: variable.numpy() for name, variable in variables.items()}
