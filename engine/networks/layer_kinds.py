"""What a layer does to the channels of its input: a Keras layer, or its description in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# Activations that compute a channel from the others.
_MIXING = frozenset(["softmax", "log_softmax", "sparsemax", "glu"])
_ACTIVATIONS = frozenset(["Activation", "ReLU", "ELU", "LeakyReLU", "PReLU"])
_NOISE = frozenset(["Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout"])
_APART = frozenset(
    ["BatchNormalization", "MaxPooling2D", "AveragePooling2D", "Rescaling", *_ACTIVATIONS, *_NOISE]
)
# `Scores` is what `logits_network` makes of a dense layer.
_WEIGHTED = frozenset(["Dense", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "Scores"])
_RESHAPING = frozenset(["Flatten", "Reshape", "Permute", "ZeroPadding2D", "Cropping2D"])
_JOINING = frozenset(["Add", "Subtract", "Average", "Concatenate"])
_AVERAGING = frozenset(["AveragePooling2D", "GlobalAveragePooling2D"])
_LINEAR = frozenset(
    ["Activation", "Rescaling", *_WEIGHTED, *_RESHAPING, *_JOINING, *_AVERAGING, *_NOISE]
)

# What may follow a convolution whose channels are the classes.
_AT_THE_END = frozenset(
    ["GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten", "Reshape", "Activation", "Softmax"]
)


def kind_of(layer: Any) -> str:
    """The layer's Keras class."""
    return str(layer["class_name"]) if isinstance(layer, Mapping) else type(layer).__name__


def activation_of(layer: Any) -> str:
    """The name of the activation that the layer ends with; "linear" if it has none."""
    if kind_of(layer) == "Softmax":
        return "softmax"
    if isinstance(layer, Mapping):
        activation = layer["config"].get("activation")
    else:
        activation = getattr(layer, "activation", None)
    return "linear" if activation is None else str(getattr(activation, "__name__", activation))


def mixes_channels(layer: Any) -> bool:
    """Whether the layer's activation computes each channel from all of them."""
    return activation_of(layer) in _MIXING


def is_activation(layer: Any) -> bool:
    """Whether the layer applies an activation to each value by itself, and nothing else."""
    return kind_of(layer) in _ACTIVATIONS and not mixes_channels(layer)


def keeps_channels_apart(layer: Any) -> bool:
    """Whether the layer turns channels of images into as many, each from its own alone."""
    return kind_of(layer) in _APART and not mixes_channels(layer)


def may_follow_classes(layer: Any) -> bool:
    """Whether the layer may stand between a convolution that gives the classes and the output."""
    return keeps_channels_apart(layer) or kind_of(layer) in _AT_THE_END


def is_linear(layer: Any) -> bool:
    """Whether, at inference, the layer's output is a linear function of its inputs, and a shift."""
    return kind_of(layer) in _LINEAR and activation_of(layer) == "linear"


def output_of_nothing(convolution: Any) -> np.ndarray:
    """What a convolution gives for channels whose kernel and bias are zero: float32 [1]."""
    return np.asarray(convolution.activation(np.zeros(1, np.float32)))


def is_frozen(layer: Any) -> bool:
    """Whether the layer's weights are not to be changed."""
    return not layer.trainable
