"""Edits of a network: copies with channels pruned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.networks.channels import (
    PrunableLayer,
    check_can_be_pruned,
    check_channels,
    variables_of,
)

if TYPE_CHECKING:
    import keras


def clone_network(model: keras.Model) -> keras.Model:
    """An independent copy with the same layers, frozen or not, and the same weights."""
    import keras

    inputs = None
    if not isinstance(model, keras.Sequential):  # Keras would rename its input
        inputs = keras.Input(model.input_shape[1:], name=model.inputs[0]._keras_history[0].name)
    copy = keras.models.clone_model(model, input_tensors=inputs)
    for layer in copy.layers:  # by name: the order of layers side by side is not certain
        layer.set_weights(model.get_layer(layer.name).get_weights())
    return copy


def without_channels(model: keras.Model, layer: str, channels: np.ndarray) -> keras.Model:
    """A copy of `model` whose convolution `layer` has zero kernel and bias at `channels`.

    What follows turns such a channel into a constant (paper section 3.2).

    Args:
        model: left as it is.
        layer: name of a convolution.
        channels: int [k], the channels to prune.

    Raises:
        UserError: there is no such convolution, it has no such channels, or none can be pruned.
    """
    check_can_be_pruned(model, layer)
    copy = clone_network(model)
    convolution = copy.get_layer(layer)
    weights = convolution.get_weights()
    check_channels(layer, weights[0].shape[-1], channels)
    for array in weights:  # kernel [.., c], and the bias [c] if there is one
        array[..., channels] = 0
    convolution.set_weights(weights)
    return copy


def silence(model: keras.Model, channels: Mapping[PrunableLayer, Sequence[int]]) -> None:
    """Set the output of these channels to 0 after their prunable's holder, in place."""
    for prunable, silent in channels.items():
        for variable in variables_of(model, prunable):
            values = np.array(variable)
            values[..., list(silent)] = 0
            variable.assign(values)
