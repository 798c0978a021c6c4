"""The repaired network itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.activations import check_layer
from engine.pruning.blocks import convolutions

if TYPE_CHECKING:
    import keras


def without_channels(model: keras.Model, layer: str, channels: np.ndarray) -> keras.Model:
    """A copy of `model` whose convolution `layer` has zero kernel and bias at `channels`.

    Args:
        model: left as it is.
        layer: name of a convolution.
        channels: int [k], the channels to prune.
    """
    import keras

    check_layer(layer, convolutions(model))
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    convolution = copy.get_layer(layer)
    weights = convolution.get_weights()
    for array in weights:  # kernel [.., c], and the bias [c] if there is one
        array[..., channels] = 0
    convolution.set_weights(weights)
    return copy
