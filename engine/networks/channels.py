"""The channels of a network's convolutions, and which weights set their output to zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError, unknown
from engine.networks import layer_graph
from engine.networks.layer_kinds import (
    activation_of,
    is_activation,
    is_frozen,
    kind_of,
    may_follow_classes,
    mixes_channels,
    output_of_nothing,
)

if TYPE_CHECKING:
    import keras

Followers = Mapping[str, Sequence[Any]]  # the layers that take each layer's output


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


def convolutions(model: keras.Model) -> list[str]:
    """Names of the convolutions, in the order of the network."""
    return [layer.name for layer in model.layers if kind_of(layer) == "Conv2D"]


def find_prunable_layers(model: keras.Model) -> list[PrunableLayer]:
    """The prunable of every convolution that has one, in the order of the network.

    Layers may branch and join (residual connections).

    Raises:
        UserError: there is no convolution, or the channels of none can be switched off.
    """
    found = _search(model)
    prunable_layers = [each for each in found.values() if isinstance(each, PrunableLayer)]
    if not prunable_layers:
        reasons = [each for each in found.values() if isinstance(each, str)]
        raise UserError(
            reasons[0]
            if reasons
            else "The network has no convolution whose channels could be switched off."
        )
    return prunable_layers


def skipped_layers(model: keras.Model) -> dict[str, str]:
    """Why `find_prunable_layers` leaves convolutions out: a sentence by the layer's name."""
    return {name: each for name, each in _search(model).items() if isinstance(each, str)}


def prunable_layer(model: keras.Model, layer: str) -> PrunableLayer:
    """The prunable of the convolution called `layer`.

    Raises:
        UserError: there is no such convolution, or its channels cannot be switched off.
    """
    check_layer(layer, convolutions(model))
    found = _search(model)[layer]
    if isinstance(found, str):
        raise UserError(found)
    return found


def last_convolution(model: keras.Model) -> str:
    """The last convolution whose channels can be pruned by kernel and bias.

    Raises:
        UserError: there is none.
    """
    followers = layer_graph.followers(layer_graph.network_nodes(model))
    for name in reversed(convolutions(model)):
        if _refusal(model, model.get_layer(name), followers) is None:
            return name
    raise UserError("The network has no convolution to prune.")


def check_can_be_pruned(model: keras.Model, layer: str) -> None:
    """Raise `UserError` unless `layer` is a convolution whose kernel and bias may be set to 0."""
    check_layer(layer, convolutions(model))
    followers = layer_graph.followers(layer_graph.network_nodes(model))
    if refusal := _refusal(model, model.get_layer(layer), followers):
        raise UserError(refusal)


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


def _search(model: keras.Model) -> dict[str, PrunableLayer | str]:
    """For each convolution its prunable, or a sentence that says why it has none."""
    followers = layer_graph.followers(layer_graph.network_nodes(model))
    found: dict[str, PrunableLayer | str] = {}
    for name in convolutions(model):
        layer = model.get_layer(name)
        found[name] = _refusal(model, layer, followers) or _prunable(layer, followers)
    return found


def _refusal(model: keras.Model, layer: Any, followers: Followers) -> str | None:
    """Why the channels of a convolution cannot be pruned in any way; None if they can."""
    if mixes_channels(layer):
        return (
            f"The {activation_of(layer)} of layer '{layer.name}' mixes its channels:"
            " prune another layer."
        )
    if is_frozen(layer):
        return f"The layer '{layer.name}' is frozen, and stays as it is: prune another layer."
    if len(model.output_shape) == 2 and _gives_the_classes(layer, followers):
        return f"The channels of layer '{layer.name}' are the classes: prune another layer."
    return None


def _gives_the_classes(layer: Any, followers: Followers) -> bool:
    """Whether nothing but pooling and activations lies between a convolution and the output."""
    channels = layer.filters
    while after := followers[layer.name]:
        layer = after[0]
        if len(after) > 1 or not may_follow_classes(layer):
            return False
        if layer.output.shape[-1] != channels:
            return False
    return True


def _prunable(convolution: Any, followers: Followers) -> PrunableLayer | str:
    """The prunable of a convolution, or a sentence that says why there is none."""
    name, layer, activation = convolution.name, convolution, convolution
    while len(after := followers[layer.name]) == 1:
        (layer,) = after
        if kind_of(layer) == "BatchNormalization":
            if not (layer.scale and layer.center):
                return (
                    f"The BatchNorm '{layer.name}' lacks scale or offset:"
                    f" channels of '{name}' cannot be switched off there."
                )
            if is_frozen(layer):
                return f"The layer '{layer.name}' after '{name}' is frozen, and stays as it is."
            return PrunableLayer(name, layer.name, activation.name, convolution.filters)
        if not is_activation(layer):
            break
        activation = layer
    if output_of_nothing(convolution).any():
        return (
            f"The activation '{activation_of(convolution)}' of '{name}' is not 0 at 0:"
            " its channels cannot be switched off."
        )
    return PrunableLayer(name, name, activation.name, convolution.filters)


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
