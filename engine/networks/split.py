"""A network split in two after the block of one convolution.

A block is the convolution and the layers after it that treat each channel independently
(activation, BatchNorm, pooling, dropout), up to where the network branches or joins. Pruning a
channel sets its kernel and bias to zero, so that the block's output for it is the same for every
image. Every step of a pruning curve can therefore be computed from the block's output and from
what else crosses the cut (skip connections), without running the first part again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from engine.networks import layer_graph, running
from engine.networks.channels import channel_sums, check_can_be_pruned, convolutions
from engine.networks.gradients import loss_and_gradients
from engine.networks.layer_kinds import is_linear, keeps_channels_apart
from engine.networks.logits import scores_network

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Features:
    """What the part of a network after the cut needs of a batch; as long as the batch.

    Attributes:
        values: the block's output, float32 [n, height, width, c], or its sum over the positions,
            [n, 1, 1, c], where the tail needs no more.
        others: what else the tail takes, float32 [n, ...] each.
    """

    values: np.ndarray
    others: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def repeated(self, times: int) -> Features:
        """The batch several times over."""
        parts = (np.concatenate([part] * times) for part in (self.values, *self.others))
        return Features(next(parts), tuple(parts))


class Tail(Protocol):
    """The part of a network after the cut."""

    def predict_while_pruned(self, features: Features, channels: np.ndarray) -> np.ndarray:
        """Predicted classes before the first and after each pruned channel: int64 [c + 1, n].

        Args:
            features: of the block.
            channels: int [c], in the order they are pruned.
        """


@dataclass(frozen=True)
class Block:
    """A network cut after the block of one convolution.

    Attributes:
        channels: number of channels of the convolution.
        positions: values of a channel in the block's output, height times width.
        features: computes, from float32 images, the features, and the batch's `channel_sums`,
            float32 [2, c].
        tail: the part of the network after the cut.
    """

    channels: int
    positions: int
    features: Callable[[np.ndarray], tuple[Features, np.ndarray]]
    tail: Tail


class _Cut(NamedTuple):
    """Where a network is cut.

    Attributes:
        block: the convolution and the layers that form its block.
        crossing: names of the other layers whose outputs the tail takes.
        tail: the layers that the block's output reaches, in the order of the network.
    """

    block: list[Any]
    crossing: list[str]
    tail: list[Any]


def cut(model: keras.Model, layer: str) -> Block:
    """Cut `model` after the block of the convolution called `layer`.

    Raises:
        UserError: there is no such convolution, or its channels cannot be pruned.
    """
    import keras
    import tensorflow as tf

    check_can_be_pruned(model, layer)
    scores = scores_network(model)
    if layer not in convolutions(scores):
        scores = model
    parts, tensors = _cut(scores, layer), running.layer_tensors(scores)
    end, output = tensors[parts.block[-1].name], scores.outputs[0]
    crossing = [tensors[name] for name in parts.crossing]
    rest = keras.Model([end, *crossing], output)
    constants = _constants(parts.block)
    tail: _LinearTail | _NetworkTail
    if all(map(is_linear, parts.tail)):
        tail, others = _LinearTail(rest, constants), [output]
    else:
        tail, others = _NetworkTail(rest, constants), crossing
    head = keras.Model(scores.inputs[0], [end, *others])

    def features_and_sums(images: Any) -> Any:
        values, *rest = tf.nest.flatten(head(images, training=False))
        return tail.needed(values), rest, channel_sums(values)

    run = tf.function(
        features_and_sums,
        input_signature=[tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)],
        jit_compile=False,
    )

    def features(images: np.ndarray) -> tuple[Features, np.ndarray]:
        values, others, sums = run(images)
        return Features(values.numpy(), tuple(other.numpy() for other in others)), sums.numpy()

    height, width, channels = constants.shape
    return Block(channels, height * width, features, tail)


def block_of(model: keras.Model, layer: str) -> list[str]:
    """Names of the convolution `layer` and of the layers that form its block."""
    check_can_be_pruned(model, layer)
    return [item.name for item in _cut(model, layer).block]


def _cut(model: keras.Model, layer: str) -> _Cut:
    nodes = layer_graph.network_nodes(model)
    followers = layer_graph.followers(nodes)
    block = [model.get_layer(layer)]
    while (
        len(after := followers[block[-1].name]) == 1
        and keeps_channels_apart(after[0])
        and after[0].name != running.output_name(model)
    ):
        block.append(after[0])
    end = block[-1].name
    reached: dict[str, Any] = {}
    crossing: dict[str, None] = {}
    for node in nodes:
        inside = [source == end or source in reached for source in node.sources]
        if any(inside):
            reached[node.name] = node.layer
            crossing |= dict.fromkeys(node.sources)
    return _Cut(
        block,
        [name for name in crossing if name != end and name not in reached],
        list(reached.values()),
    )


def _constants(block: Sequence[Any]) -> np.ndarray:
    """The block's output where kernel and bias are zero: float32 [height, width, c]."""
    convolution, *rest = block
    values = np.zeros((1, *convolution.output.shape[1:]), np.float32)
    values = convolution.activation(values)
    for layer in rest:
        values = layer(values, training=False)
    return np.asarray(values)[0]


class _LinearTail:
    """Layers that are linear up to the logits: a pruned channel's part of them is a constant.

    logits after k channels = logits before + sum over them of (constant - value) . slopes
    """

    PART = 64  # images at a time: their arrays fit in the processor's cache

    def __init__(self, tail: keras.Model, constants: np.ndarray) -> None:
        slopes = _slopes(tail)  # [classes, height, width, c]
        classes, channels = len(slopes), constants.shape[-1]
        slopes = slopes.reshape(classes, -1, channels)
        constants = constants.reshape(-1, channels)
        # Where all positions count alike, as before global pooling, their sum is enough.
        self.summed = bool((slopes == slopes[:, :1]).all())
        if self.summed:
            slopes, constants = slopes[:, :1], constants.sum(axis=0, keepdims=True)
        self.slopes = np.ascontiguousarray(slopes.transpose(2, 1, 0))
        self.constants = np.ascontiguousarray(constants.T)[:, np.newaxis]
        # Buffers for one part, reused: allocating them each time takes longer than the sums.
        self.changes = np.empty((channels, self.PART, slopes.shape[1]), np.float32)
        self.logits = np.empty((channels + 1, self.PART, classes), np.float32)

    def needed(self, values: Any) -> Any:
        """What `predict_while_pruned` reads of the block's output, a tensor."""
        import tensorflow as tf

        return tf.reduce_sum(values, axis=[1, 2], keepdims=True) if self.summed else values

    def predict_while_pruned(self, features: Features, channels: np.ndarray) -> np.ndarray:
        """See `Tail.predict_while_pruned`."""
        slopes, constants = self.slopes[channels], self.constants[channels]
        predictions = np.empty((len(channels) + 1, len(features)), np.int64)
        (untouched,) = features.others
        for part in running.batches(len(features), self.PART):
            values = features.values[part].reshape(part.stop - part.start, -1, len(channels))
            changes, logits = self.changes[:, : len(values)], self.logits[:, : len(values)]
            np.take(values.transpose(2, 0, 1), channels, axis=0, out=changes, mode="clip")
            np.subtract(constants, changes, out=changes)
            logits[0] = untouched[part]
            np.matmul(changes, slopes, out=logits[1:])
            np.cumsum(logits, axis=0, out=logits)
            np.argmax(logits, axis=2, out=predictions[:, part])
        return predictions


def _slopes(tail: keras.Model) -> np.ndarray:
    """How each logit grows with each value of the block: float32 [classes, height, width, c].

    Args:
        tail: linear; takes the block's output first.
    """
    import tensorflow as tf

    classes = tail.output_shape[-1]
    values, *others = (tf.zeros([classes, *tensor.shape[1:]]) for tensor in tail.inputs)

    def own_logits() -> Any:
        # One copy of the values for each class, so that a single gradient holds all slopes.
        return tf.linalg.trace(tail([values, *others], training=False))

    found: np.ndarray = loss_and_gradients(own_logits, values)[1].numpy()
    return found


class _NetworkTail:
    """Any other layers: run again at each step, from the block's output on."""

    def __init__(self, tail: keras.Model, constants: np.ndarray) -> None:
        import tensorflow as tf

        fixed = tf.constant(constants)

        def predictions(values: Any, others: Any, pruned: Any) -> Any:
            values = tf.where(pruned, fixed, values)
            return tf.argmax(tail([values, *others], training=False), axis=1)

        values, *others = (
            tf.TensorSpec([None, *tensor.shape[1:]], tf.float32) for tensor in tail.inputs
        )
        self.run = tf.function(
            predictions,
            input_signature=[values, others, tf.TensorSpec([constants.shape[-1]], tf.bool)],
            jit_compile=False,
        )

    def needed(self, values: Any) -> Any:
        """What `predict_while_pruned` reads of the block's output, a tensor."""
        return values

    def predict_while_pruned(self, features: Features, channels: np.ndarray) -> np.ndarray:
        """See `Tail.predict_while_pruned`."""
        import tensorflow as tf

        values, *others = (tf.constant(part) for part in (features.values, *features.others))
        pruned = np.zeros(len(channels), bool)
        predictions = [self.run(values, others, pruned).numpy()]
        for channel in channels:
            pruned[channel] = True
            predictions.append(self.run(values, others, pruned).numpy())
        return np.stack(predictions)
