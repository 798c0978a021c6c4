"""The channels of a network's convolutions, and which weights set their output to zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError, unknown
from engine.networks import layer_graph

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class PrunableLayer:
    """One convolution and the layer whose weights scale its channels.

    Attributes:
        convolution: name of the convolution.
        holder: name of the layer that scales its channels: the BatchNorm after it, before or
            after the activation (by gamma and beta), or else the convolution itself (by kernel
            and bias).
        activation: name of the layer whose output shows the channels: the activation between
            the two, or the convolution itself.
        channels: number of channels.
    """

    convolution: str
    holder: str
    activation: str
    channels: int


def find_prunable_layers(model: keras.Model) -> list[PrunableLayer]:
    """The prunable of every convolution, in the order of the network.

    Layers may branch and join (residual connections).

    Raises:
        UserError: there is no convolution, or the channels of one cannot be switched off.
    """
    from keras import layers

    followers = layer_graph.followers(layer_graph.network_nodes(model))
    prunable_layers = [
        PrunableLayer(layer.name, *_holder_and_activation(layer, followers), layer.filters)
        for layer in model.layers
        if isinstance(layer, layers.Conv2D)
    ]
    if not prunable_layers:
        raise UserError("The network has no convolution whose channels could be switched off.")
    return prunable_layers


def variables_of(model: keras.Model, prunable: PrunableLayer) -> list[Any]:
    """The variables that scale the channels of `prunable`, along their last axis."""
    from keras import layers

    holder = model.get_layer(prunable.holder)
    if isinstance(holder, layers.BatchNormalization):
        return [holder.gamma, holder.beta]
    return [holder.kernel] + ([holder.bias] if holder.use_bias else [])


def bounds(model: keras.Model, prunable: PrunableLayer) -> np.ndarray:
    """How much each channel can amplify a change of its input: float64 [channels].

    Largest singular value of the kernel [in, rows * columns], times |gamma| / sqrt(variance) of
    the BatchNorm after it (Zheng et al. 2022, equation 6). An activation between the two
    amplifies nothing (ELU, ReLU), so the bound holds across it.
    """
    from keras import layers

    kernel = np.asarray(model.get_layer(prunable.convolution).kernel)
    holder = model.get_layer(prunable.holder)
    if not isinstance(holder, layers.BatchNormalization):
        return channel_bounds(kernel)
    gamma, variance = np.asarray(holder.gamma), np.asarray(holder.moving_variance)
    return channel_bounds(kernel, gamma / np.sqrt(variance + holder.epsilon))


def channel_bounds(kernel: np.ndarray, factor: np.ndarray | float = 1.0) -> np.ndarray:
    """`bounds` from a kernel alone: float64 [channels].

    Args:
        kernel: [rows, columns, in, channels].
        factor: by which the following BatchNorm multiplies each channel, [channels].
    """
    matrices = kernel.astype(np.float64).transpose(3, 2, 0, 1)
    matrices = matrices.reshape(*matrices.shape[:2], -1)
    largest: np.ndarray = np.linalg.norm(matrices, ord=2, axis=(1, 2))
    return largest * np.abs(factor)


def above_mean(values: np.ndarray) -> np.ndarray:
    """How many standard deviations each value lies above the mean: float64 [c]."""
    above: np.ndarray = (values - values.mean()) / (values.std() or 1.0)
    return above


def _holder_and_activation(convolution: Any, followers: dict[str, list[Any]]) -> tuple[str, str]:
    from keras import layers

    layer = activation = convolution
    while len(after := followers[layer.name]) == 1:
        (layer,) = after
        if isinstance(layer, layers.BatchNormalization):
            if not (layer.scale and layer.center):
                raise UserError(
                    f"The BatchNorm '{layer.name}' lacks scale or offset:"
                    f" channels of '{convolution.name}' cannot be switched off there."
                )
            return layer.name, activation.name
        if not _is_activation(layer):
            break
        activation = layer
    name = getattr(convolution.activation, "__name__", "")
    if name not in ("linear", "relu", "elu", "leaky_relu", "tanh", "selu", "gelu", "silu"):
        raise UserError(
            f"The activation '{name}' of '{convolution.name}' is not 0 at 0:"
            " its channels cannot be switched off."
        )
    return convolution.name, activation.name


def _is_activation(layer: Any) -> bool:
    from keras import layers

    kinds = (layers.Activation, layers.ReLU, layers.ELU, layers.LeakyReLU)
    return (
        isinstance(layer, kinds)
        and getattr(getattr(layer, "activation", None), "__name__", "") != "softmax"
    )


def check_layer(name: str, names: Sequence[str]) -> None:
    """Raise `UserError` unless `name` is among `names`."""
    if name not in names:
        raise unknown("layer", name, names)


def check_channels(layer: str, count: int, channels: np.ndarray) -> None:
    """Raise `UserError` unless a layer of `count` channels has all of `channels` (int [c])."""
    beyond = channels[(channels < 0) | (channels >= count)]
    if len(beyond):
        raise UserError(
            f"The layer '{layer}' has {count} channels, but a table beside the model names channel"
            f" {beyond[0]}: delete the table and compute it again."
        )


def channel_sums(values: Any) -> Any:
    """Per channel of a tensor [n, height, width, c]: sum and number above zero, [2, c]."""
    import tensorflow as tf

    positive = tf.cast(values > 0, tf.float32)
    return tf.stack(
        [tf.reduce_sum(values, axis=[0, 1, 2]), tf.reduce_sum(positive, axis=[0, 1, 2])]
    )
