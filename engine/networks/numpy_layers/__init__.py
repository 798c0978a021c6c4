"""The layers of a network in NumPy: one function a kind, from its config to a `Step`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.core.errors import quoted
from engine.networks import standard_form
from engine.networks.numpy_layers import (
    activations,
    convolutions,
    merging,
    normalization,
    pooling,
    shapes,
)
from engine.networks.numpy_layers.step import Config, Step
from engine.networks.numpy_layers.unsupported import Unsupported

__all__ = ["INERT", "KINDS", "Config", "Step", "Unsupported", "make_step"]

# Layers that change nothing at inference.
INERT = standard_form.INERT | {"Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise"}
_WEIGHTED: Mapping[str, Callable[[Config, Sequence[np.ndarray]], Step]] = {
    "BatchNormalization": normalization.batch_normalization,
    "Conv2D": convolutions.conv2d,
    "Dense": convolutions.dense,
    "DepthwiseConv2D": convolutions.depthwise_conv2d,
    "LayerNormalization": normalization.layer_normalization,
    "PReLU": activations.prelu,
}
_PLAIN: Mapping[str, Callable[[Config], Step]] = {
    "Activation": activations.named,
    "Add": merging.join_by(np.add),
    "Average": merging.average,
    "AveragePooling2D": pooling.average_pooling2d,
    "Concatenate": merging.concatenate,
    "Cropping2D": shapes.cropping2d,
    "ELU": activations.elu,
    "Flatten": shapes.flatten,
    "GlobalAveragePooling2D": pooling.global_average_pooling2d,
    "GlobalMaxPooling2D": pooling.global_max_pooling2d,
    "LeakyReLU": activations.leaky_relu,
    "Maximum": merging.join_by(np.maximum),
    "MaxPooling2D": pooling.max_pooling2d,
    "Minimum": merging.join_by(np.minimum),
    "Multiply": merging.join_by(np.multiply),
    "Permute": shapes.permute,
    "ReLU": activations.relu,
    "Rescaling": normalization.rescaling,
    "Reshape": shapes.reshape,
    "Softmax": activations.softmax,
    "Subtract": merging.join_by(np.subtract),
    "ZeroPadding2D": shapes.zero_padding2d,
}
KINDS = frozenset((*_WEIGHTED, *_PLAIN))


def make_step(kind: str, config: Config, weights: Sequence[np.ndarray]) -> Step:
    """What a layer does.

    Args:
        kind: its Keras class.
        config: its description.
        weights: its arrays, in the order of the file.

    Raises:
        Unsupported: NumPy cannot do it.
        ValueError, KeyError, TypeError, IndexError: config and weights do not fit together.
    """
    if kind in _WEIGHTED:
        return _WEIGHTED[kind](config, [array.astype(np.float32) for array in weights])
    if kind in _PLAIN:
        return _PLAIN[kind](config)
    raise Unsupported(f"The layer {quoted(config['name'])} of kind {quoted(kind)}")
