"""What the convolutional architectures share: named layers with seeded initial weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError

if TYPE_CHECKING:
    import keras

BATCH_NORM_MOMENTUM = 0.9  # short trainings: the averages must follow within a few dozen steps


class Blocks:
    """Adds layers to a functional network.

    Names are given, not counted by Keras, so that they do not depend on what was built before.

    Args:
        seed: makes initial weights repeatable.
        weight_decay: factor of the kernels' squared L2 norm in the loss.
    """

    def __init__(self, seed: int, weight_decay: float) -> None:
        self._random = np.random.default_rng(seed)
        self._weight_decay = weight_decay

    def convolution(
        self, values: Any, filters: int, name: str, size: int = 3, stride: int = 1
    ) -> Any:
        """A convolution with "same" padding and no bias, because BatchNorm follows.

        Initial weights after He et al. 2015.
        """
        from keras import initializers, layers

        return layers.Conv2D(
            filters,
            size,
            stride,
            padding="same",
            use_bias=False,
            kernel_initializer=initializers.HeNormal(self._seed()),
            kernel_regularizer=self._regularizer(),
            name=name,
        )(values)

    def depthwise(self, values: Any, name: str, stride: int = 1) -> Any:
        """A 3x3 convolution of each channel by itself, "same" padding, no bias."""
        from keras import initializers, layers

        return layers.DepthwiseConv2D(
            3,
            stride,
            padding="same",
            use_bias=False,
            # HeNormal would count the inputs of all channels; each output has nine.
            depthwise_initializer=initializers.RandomNormal(
                stddev=(2 / 9) ** 0.5, seed=self._seed()
            ),
            depthwise_regularizer=self._regularizer(),
            name=name,
        )(values)

    def batch_norm(self, values: Any, name: str) -> Any:
        """Batch normalization."""
        from keras import layers

        return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=name)(values)

    def relu(self, values: Any, name: str, max_value: float | None = None) -> Any:
        """ReLU; ReLU6 with a `max_value` of 6."""
        from keras import layers

        return layers.ReLU(max_value=max_value, name=name)(values)

    def classify(self, values: Any, classes: int) -> Any:
        """The mean over all positions and one dense layer with softmax."""
        from keras import initializers, layers

        values = layers.GlobalAveragePooling2D(name="global_average_pooling")(values)
        return layers.Dense(
            classes,
            activation="softmax",
            kernel_initializer=initializers.GlorotUniform(self._seed()),
            kernel_regularizer=self._regularizer(),
            name="dense",
        )(values)

    def _seed(self) -> int:
        return int(self._random.integers(2**31))

    def _regularizer(self) -> keras.Regularizer:
        from keras import regularizers

        return regularizers.L2(self._weight_decay)


def check_sides(image_shape: tuple[int, int, int], least: int) -> None:
    """Raise `UserError` unless height and width are `least` or more."""
    if min(image_shape[:2]) < least:
        raise UserError(f"The network needs images of at least {least}x{least}, not {image_shape}.")


def count_convolution(inputs: int, outputs: int, size: int = 3) -> int:
    """Number of weights of a convolution without bias, `size` pixels wide and high."""
    return size**2 * inputs * outputs


def count_batch_norm(channels: int) -> int:
    """Number of values of a batch normalization; two of four per channel are trained."""
    return 4 * channels


def count_dense(inputs: int, outputs: int) -> int:
    """Number of weights of a dense layer with biases."""
    return (inputs + 1) * outputs
