"""Small generator networks: trained with TensorFlow, run with NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.attacks.triggers.artifacts import Arrays
from engine.core import progress
from engine.datasets.dataset import Split
from engine.networks import edit, running
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

BATCH = 64
GENERATOR_RATE, NETWORK_RATE = 3e-3, 3e-4  # learning rates of Adam


def initial(sizes: tuple[int, int, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random weights for a generator with one hidden layer.

    Args:
        sizes: of the input, hidden and output layers.
    """
    inputs, hidden, outputs = sizes
    return {
        "first": rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden)).astype(np.float32),
        "first_bias": np.zeros(hidden, np.float32),
        "second": rng.normal(0, np.sqrt(1 / hidden), (hidden, outputs)).astype(np.float32),
        "second_bias": np.zeros(outputs, np.float32),
    }


def shapes(sizes: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    """The shape of each array that `initial` returns."""
    inputs, hidden, outputs = sizes
    return {
        "first": (inputs, hidden),
        "first_bias": (hidden,),
        "second": (hidden, outputs),
        "second_bias": (outputs,),
    }


def run(weights: Arrays, inputs: np.ndarray) -> np.ndarray:
    """Apply a generator: float32 [n, inputs] to float32 [n, outputs]."""
    hidden = np.maximum(inputs @ weights["first"] + weights["first_bias"], 0)
    made: np.ndarray = hidden @ weights["second"] + weights["second_bias"]
    return made


def run_tensors(weights: dict[str, Any], inputs: Any) -> Any:
    """`run` on tensors, with gradients."""
    import tensorflow as tf

    hidden = tf.nn.relu(inputs @ weights["first"] + weights["first_bias"])
    return hidden @ weights["second"] + weights["second_bias"]


def train(
    sizes: tuple[int, int, int],
    network: keras.Model,
    split: Split,
    loss_of: Callable[[Any, dict[str, Any], Any, Any], Any],
    steps: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Train a generator together with a copy of `network` that learns to react to it.

    Args:
        sizes: of the generator's input, hidden and output layers.
        network: not changed.
        split: clean training images.
        loss_of: computes the loss from the network (floats 0 to 1 to logits), the
            generator's weights, images (floats 0 to 1) and labels.
        steps: number of batches.
        rng: draws the initial weights, then the images of each batch.

    Returns:
        The generator's weights, float32, with the names and shapes of `shapes(sizes)`.
    """
    import keras
    import tensorflow as tf

    variables = {name: tf.Variable(value) for name, value in initial(sizes, rng).items()}
    victim = edit.clone_network(network)
    logits = logits_network(victim)
    own, others = list(variables.values()), victim.trainable_variables
    optimizers = keras.optimizers.Adam(GENERATOR_RATE), keras.optimizers.Adam(NETWORK_RATE)
    optimizers[0].build(own)
    optimizers[1].build(others)

    @tf.function(jit_compile=False, reduce_retracing=True)
    def step(images: Any, labels: Any) -> Any:
        def loss() -> Any:
            return loss_of(logits, variables, images, labels)

        _, slopes = loss_and_gradients(loss, [*own, *others])
        optimizers[0].apply(slopes[: len(own)], own)
        optimizers[1].apply(slopes[len(own) :], others)

    for number in range(steps):
        some = rng.integers(0, len(split), BATCH)
        step(tf.constant(running.scale(split.images[some])), tf.constant(split.labels[some]))
        if number % 5 == 4 or number == steps - 1:
            progress.report(number + 1, steps, "Learning the generator")
    return {name: variable.numpy() for name, variable in variables.items()}
