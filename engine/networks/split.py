"""A network split in two after the block of one convolution.

A block is the convolution and the layers after it that treat each channel independently
(activation, BatchNorm, pooling, dropout), up to where the network branches or joins. Pruning a
channel sets its kernel and bias to zero, so that the block's output for it is the same for every
image. Every step of a pruning curve can therefore be computed from the block's output and from
what else crosses the cut (skip connections), without running the first part again.

Where channels stay apart for longer, as through a sum with a skip connection, and everything after
that is linear up to the logits, all steps follow from a single pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.networks import layer_graph, running
from engine.networks.channels import channel_sums, check_can_be_pruned, convolutions
from engine.networks.layer_kinds import is_linear, keeps_channels_apart, kind_of
from engine.networks.logits import scores_network
from engine.networks.tails import Features, LinearTail, NetworkTail, Tail, slopes_of

if TYPE_CHECKING:
    import keras

# Layers that join branches channel by channel.
_CHANNELWISE = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")

Run = Callable[[Any], tuple[Any, Any, Any]]  # images -> values, others, channel sums; tensors


@dataclass(frozen=True)
class Block:
    """A network cut after the block of one convolution.

    Attributes:
        channels: number of channels of the convolution.
        positions: values of a channel in the block's output, height times width.
        features: computes, from float32 images, what `tail` takes, and the `channel_sums` of the
            block's output, float32 [2, c].
        tail: the part of the network after the cut.
    """

    channels: int
    positions: int
    features: Callable[[np.ndarray], tuple[Features, np.ndarray]]
    tail: Tail


def cut(model: keras.Model, layer: str) -> Block:
    """Cut `model` after the block of the convolution called `layer`.

    Raises:
        UserError: there is no such convolution, or its channels cannot be pruned.
    """
    import tensorflow as tf

    check_can_be_pruned(model, layer)
    scores = scores_network(model)
    graph = _Graph.of(scores if layer in convolutions(scores) else model)
    block = graph.block(layer)
    pruned = _pruned_output(block)
    tail, run = _one_pass(graph, block, pruned) or _pass_per_step(graph, block[-1].name, pruned)
    compiled = tf.function(
        run,
        input_signature=[tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)],
        jit_compile=False,
    )

    def features(images: np.ndarray) -> tuple[Features, np.ndarray]:
        values, others, sums = compiled(images)
        return Features(values.numpy(), tuple(other.numpy() for other in others)), sums.numpy()

    height, width, channels = pruned.shape
    return Block(channels, height * width, features, tail)


def block_of(model: keras.Model, layer: str) -> list[str]:
    """Names of the convolution `layer` and of the layers that form its block."""
    check_can_be_pruned(model, layer)
    return [item.name for item in _Graph.of(model).block(layer)]


class _Reach(NamedTuple):
    """What a layer's output reaches.

    Attributes:
        layers: those that depend on it, in the order of the network.
        crossing: names of the other layers whose outputs these take.
    """

    layers: list[Any]
    crossing: list[str]


class _Apart(NamedTuple):
    """How far a block's channels stay apart after it.

    Attributes:
        layers: that they pass, in order.
        crossing: names of the other layers whose outputs these take.
        first: the place of the first channel among the last layer's.
    """

    layers: list[Any]
    crossing: list[str]
    first: int


@dataclass(frozen=True)
class _Graph:
    """A network's layers, what each takes and gives, and which layers take that."""

    model: keras.Model
    nodes: Sequence[layer_graph.Node[Any]]
    followers: dict[str, list[Any]]
    tensors: dict[str, Any]

    @staticmethod
    def of(model: keras.Model) -> _Graph:
        nodes = layer_graph.network_nodes(model)
        return _Graph(model, nodes, layer_graph.followers(nodes), running.layer_tensors(model))

    def only_follower(self, name: str) -> Any | None:
        """The layer that takes the named one's output, if it is one alone and not the last."""
        after = self.followers[name]
        last = running.output_name(self.model)
        return after[0] if len(after) == 1 and after[0].name != last else None

    def block(self, layer: str) -> list[Any]:
        """The layers of the block of the convolution called `layer`."""
        block = [self.model.get_layer(layer)]
        while (after := self.only_follower(block[-1].name)) and keeps_channels_apart(after):
            block.append(after)
        return block

    def reach(self, name: str) -> _Reach:
        """What the output of the layer called `name` reaches."""
        reached: dict[str, Any] = {}
        taken: dict[str, None] = {}
        for node in self.nodes:
            if any(source == name or source in reached for source in node.sources):
                reached[node.name] = node.layer
                taken |= dict.fromkeys(node.sources)
        crossing = [source for source in taken if source != name and source not in reached]
        return _Reach(list(reached.values()), crossing)

    def apart_after(self, name: str) -> _Apart:
        """How far the channels of the layer called `name` stay apart after it."""
        sources = {node.name: node.sources for node in self.nodes}
        passed: list[Any] = []
        crossing: dict[str, None] = {}
        first = 0
        while after := self.only_follower(name):
            taken = sources[after.name]
            shapes = [self.tensors[source].shape for source in taken]
            place = taken.index(name)
            if kind_of(after) == "Concatenate" and after.axis in (-1, len(shapes[0]) - 1):
                first += sum(shape[-1] for shape in shapes[:place])
            elif not (
                keeps_channels_apart(after)
                or kind_of(after) == "GlobalMaxPooling2D"
                or (
                    kind_of(after) in _CHANNELWISE
                    and self.tensors[after.name].shape[-1] == shapes[place][-1]
                )
            ):
                break
            crossing |= dict.fromkeys(source for source in taken if source != name)
            passed.append(after)
            name = after.name
        return _Apart(passed, list(crossing), first)


def _pruned_output(block: Sequence[Any]) -> np.ndarray:
    """The block's output where every channel's kernel and bias are zero: float32 [h, w, c]."""
    convolution, *rest = block
    values = np.zeros((1, *convolution.output.shape[1:]), np.float32)
    values = convolution.activation(values)
    for layer in rest:
        values = layer(values, training=False)
    return np.asarray(values)[0]


def _one_pass(
    graph: _Graph, block: Sequence[Any], pruned: np.ndarray
) -> tuple[LinearTail, Run] | None:
    """A tail whose steps follow from one pass, and what computes its features; None if none does.

    Args:
        graph: of the network.
        block: the layers of the convolution's block.
        pruned: see `_pruned_output`.
    """
    import keras
    import tensorflow as tf

    end = graph.tensors[block[-1].name]
    apart = graph.apart_after(block[-1].name)
    last = (apart.layers or block)[-1].name
    reach = graph.reach(last)
    if not all(map(is_linear, reach.layers)):
        return None
    far, scores = graph.tensors[last], graph.model.outputs[0]
    own = slice(apart.first, apart.first + pruned.shape[-1])
    rest = keras.Model([far, *(graph.tensors[name] for name in reach.crossing)], scores)
    tail = LinearTail(slopes_of(rest)[..., own])
    joined = [graph.tensors[name] for name in apart.crossing]
    region: Any = keras.Model([end, *joined], far) if apart.layers else None
    if not joined:
        fixed = tf.constant(pruned[np.newaxis])
        tail.fix(region([fixed], training=False) if region else fixed)
    head = keras.Model(graph.model.inputs[0], [end, far, scores, *joined])

    def run(images: Any) -> tuple[Any, Any, Any]:
        near, values, logits, *joined = head(images, training=False)
        others = [logits]
        if joined:
            nothing = tf.broadcast_to(tf.constant(pruned), tf.shape(near))
            gone = region([nothing, *joined], training=False)
            others.append(tail.needed(gone[..., own]))
        return tail.needed(values[..., own]), others, channel_sums(near)

    return tail, run


def _pass_per_step(graph: _Graph, end: str, pruned: np.ndarray) -> tuple[NetworkTail, Run]:
    """A tail that runs once for each step, and what computes its features; see `_one_pass`."""
    import keras
    import tensorflow as tf

    tensors = [graph.tensors[name] for name in (end, *graph.reach(end).crossing)]
    head = keras.Model(graph.model.inputs[0], tensors)

    def run(images: Any) -> tuple[Any, Any, Any]:
        values, *others = tf.nest.flatten(head(images, training=False))
        return values, others, channel_sums(values)

    return NetworkTail(keras.Model(tensors, graph.model.outputs[0]), pruned), run
