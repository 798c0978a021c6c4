"""A network split in two after the block of one convolution.

A block is the convolution and the layers after it that treat each channel independently
(activation, BatchNorm, pooling, dropout). Pruning a channel sets its kernel and bias to zero, so
that the block's output for it is the same constant for every image. Every step of a pruning curve
can therefore be computed from the block's output, without running the first part again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engine.core.errors import UserError
from engine.networks import layer_graph, running
from engine.networks.channels import channel_sums, check_layer

if TYPE_CHECKING:
    import keras


class Tail(Protocol):
    """The part of a network after the cut."""

    def predict_while_pruned(self, features: np.ndarray, channels: np.ndarray) -> np.ndarray:
        """Predicted classes before the first and after each pruned channel: int64 [c + 1, n].

        Args:
            features: float32 [n, height, width, c], the block's output.
            channels: int [c], in the order they are pruned.
        """


@dataclass(frozen=True)
class Block:
    """A network cut after the block of one convolution.

    Attributes:
        channels: number of channels of the convolution.
        positions: values of a channel in the block's output, height times width.
        features: computes, from float32 images, the block's output, float32
            [n, height, width, c], and the batch's `channel_sums`, float32 [2, c].
        tail: the part of the network after the cut.
    """

    channels: int
    positions: int
    features: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    tail: Tail


def convolutions(model: keras.Model) -> list[str]:
    """Names of the convolutions, in the order of the network."""
    from keras import layers

    return [layer.name for layer in model.layers if isinstance(layer, layers.Conv2D)]


def cut(model: keras.Model, layer: str) -> Block:
    """Cut `model` after the block of the convolution called `layer`.

    Raises:
        UserError: there is no such convolution, or the layers do not form a single chain.
    """
    import tensorflow as tf

    block, rest = _split(model, layer)
    end = block[-1].output
    head = running.intermediate_outputs(model, [block[-1].name])

    def features_and_sums(images: Any) -> Any:
        values = head(images, training=False)[block[-1].name]
        return values, channel_sums(values)

    run = tf.function(
        features_and_sums,
        input_signature=[tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)],
        jit_compile=False,
    )
    constants = _constants(block)
    return Block(
        channels=len(constants),
        positions=int(np.prod(end.shape[1:3])),
        features=lambda images: tuple(part.numpy() for part in run(images)),
        tail=_tail(rest, constants),
    )


def block_of(model: keras.Model, layer: str) -> list[str]:
    """Names of the convolution `layer` and of the layers that form its block."""
    return [item.name for item in _split(model, layer)[0]]


def _split(model: keras.Model, layer: str) -> tuple[list[Any], list[Any]]:
    """The layers of the block of convolution `layer`, and those after it."""
    check_layer(layer, convolutions(model))
    chain = _chain(model)
    first = [item.name for item in chain].index(layer)
    if _is_softmax(chain[first]):
        raise UserError(f"The softmax of layer '{layer}' mixes its channels: prune another layer.")
    end = first + 1
    while end < len(chain) and _keeps_channels_apart(chain[end]):
        end += 1
    return chain[first:end], chain[end:]


def _chain(model: keras.Model) -> list[Any]:
    """The chain of layers without the input; raise a `UserError` if they branch."""
    import keras

    chain = layer_graph.chain(layer_graph.network_nodes(model))
    return [item for item in chain if not isinstance(item, keras.layers.InputLayer)]


def _keeps_channels_apart(layer: Any) -> bool:
    from keras import layers

    apart = (
        layers.Activation,
        layers.ELU,
        layers.ReLU,
        layers.LeakyReLU,
        layers.BatchNormalization,
        layers.MaxPooling2D,
        layers.AveragePooling2D,
        layers.Dropout,
    )
    return isinstance(layer, apart) and not _is_softmax(layer)


def _is_softmax(layer: Any) -> bool:
    return getattr(getattr(layer, "activation", None), "__name__", "") == "softmax"


def _constants(block: list[Any]) -> np.ndarray:
    """The block's output for a channel whose kernel and bias are zero: float32 [c]."""
    convolution, *rest = block
    values = np.zeros((1, *convolution.output.shape[1:]), np.float32)
    values = convolution.activation(values)
    for layer in rest:
        values = layer(values, training=False)
    return np.asarray(values)[0, 0, 0]


def _tail(chain: list[Any], constants: np.ndarray) -> Tail:
    from keras import layers

    essential = [item for item in chain if not isinstance(item, layers.Dropout)]
    kinds = [type(item) for item in essential]
    if kinds == [layers.Flatten, layers.Dense] and _keeps_the_largest(essential[1]):
        return _LinearTail(essential[1], constants)
    return _NetworkTail(chain, constants)


def _keeps_the_largest(dense: Any) -> bool:
    return dense.activation.__name__ in ("softmax", "linear", "sigmoid")


class _LinearTail:
    """Flatten and one dense layer: a pruned channel's part of the logits becomes a constant.

    logits after k channels = logits before + sum over them of (constant - feature) . rows
    """

    PART = 64  # images at a time: their arrays fit in the processor's cache

    def __init__(self, dense: Any, constants: np.ndarray) -> None:
        self.kernel, self.bias = dense.get_weights()
        self.classes = self.kernel.shape[1]
        # Rows of the kernel follow Flatten's order: position by position, channel within it.
        self.rows = np.ascontiguousarray(
            self.kernel.reshape(-1, len(constants), self.classes).transpose(1, 0, 2)
        )
        self.constants = constants
        # Buffers for one part, reused: allocating them each time takes longer than the sums.
        channels, positions, _ = self.rows.shape
        self.changes = np.empty((channels, self.PART, positions), np.float32)
        self.logits = np.empty((channels + 1, self.PART, self.classes), np.float32)

    def predict_while_pruned(self, features: np.ndarray, channels: np.ndarray) -> np.ndarray:
        """See `Tail.predict_while_pruned`."""
        rows, constants = self.rows[channels], self.constants[channels, None, None]
        predictions = np.empty((len(channels) + 1, len(features)), np.int64)
        untouched = features.reshape(len(features), -1) @ self.kernel + self.bias
        for part in running.batches(len(features), self.PART):
            values = features[part].reshape(part.stop - part.start, -1, len(channels))
            changes, logits = self.changes[:, : len(values)], self.logits[:, : len(values)]
            np.take(values.transpose(2, 0, 1), channels, axis=0, out=changes, mode="clip")
            np.subtract(constants, changes, out=changes)
            logits[0] = untouched[part]
            np.matmul(changes, rows, out=logits[1:])
            np.cumsum(logits, axis=0, out=logits)
            np.argmax(logits, axis=2, out=predictions[:, part])
        return predictions


class _NetworkTail:
    """Any chain of layers: run again at each step, from the block's output on."""

    def __init__(self, chain: list[Any], constants: np.ndarray) -> None:
        import keras
        import tensorflow as tf

        inputs = keras.Input(chain[0].input.shape[1:])
        model = keras.Model(inputs, running.apply(chain, inputs))
        fixed = tf.constant(constants)

        def predictions(features: Any, pruned: Any) -> Any:
            values = tf.where(pruned, fixed, features)
            return tf.argmax(model(values, training=False), axis=1)

        self.run = tf.function(
            predictions,
            input_signature=[
                tf.TensorSpec([None, *chain[0].input.shape[1:]], tf.float32),
                tf.TensorSpec([len(constants)], tf.bool),
            ],
            jit_compile=False,
        )

    def predict_while_pruned(self, features: np.ndarray, channels: np.ndarray) -> np.ndarray:
        """See `Tail.predict_while_pruned`."""
        pruned = np.zeros(len(channels), bool)
        predictions = [self.run(features, pruned).numpy()]
        for channel in channels:
            pruned[channel] = True
            predictions.append(self.run(features, pruned).numpy())
        return np.stack(predictions)
