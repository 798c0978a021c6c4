"""Which layers have the channels of which convolution, from a network's description alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from engine.networks import layer_graph
from engine.networks.layer_kinds import (
    keeps_channels_apart,
    kind_of,
    may_follow_classes,
    mixes_channels,
)
from engine.networks.untrusted.parts import Parts


class _Graph(NamedTuple):
    """A network's description.

    Attributes:
        convolutions: in the order of the network.
        followers: the layers that take each layer's output.
        outputs: names of the layers that give the network's output.
    """

    convolutions: list[Mapping[str, Any]]
    followers: dict[str, list[Mapping[str, Any]]]
    outputs: list[str]


def channel_blocks(parts: Parts) -> dict[str, list[str]]:
    """The layers that have a convolution's channels, by its name: see `split.block_of`.

    They are the convolution and those after it that treat each channel on its own, up to where
    the network branches or joins.
    """
    graph = _read(parts)
    return {_name(layer): _block(layer, graph) for layer in graph.convolutions}


def prunable_convolutions(parts: Parts) -> list[str]:
    """Names of the convolutions whose kernel and bias may be set to zero, in order.

    Left out are those whose softmax mixes channels, and those whose channels are the classes: see
    `channels.check_can_be_pruned`.
    """
    graph = _read(parts)
    return [
        _name(layer)
        for layer in graph.convolutions
        if not (mixes_channels(layer) or _gives_the_classes(layer, graph))
    ]


def _read(parts: Parts) -> _Graph:
    nodes = layer_graph.description_nodes(parts.config)
    found = [node.layer for node in nodes if kind_of(node.layer) == "Conv2D"]
    return _Graph(found, layer_graph.followers(nodes), layer_graph.output_names(parts.config))


def _name(layer: Mapping[str, Any]) -> str:
    return str(layer["config"]["name"])


def _block(layer: Mapping[str, Any], graph: _Graph) -> list[str]:
    block = [_name(layer)]
    for following in _following(layer, graph):
        if not keeps_channels_apart(following) or _name(following) in graph.outputs:
            break
        block.append(_name(following))
    return block


def _gives_the_classes(layer: Mapping[str, Any], graph: _Graph) -> bool:
    """Whether nothing but pooling and activations lies between a convolution and the output."""
    chain = [layer, *_following(layer, graph)]
    plain = all(map(may_follow_classes, chain[1:]))
    return plain and not graph.followers[_name(chain[-1])]


def _following(layer: Mapping[str, Any], graph: _Graph) -> Iterator[Mapping[str, Any]]:
    """The layers after one, as long as each is the only one to take the output before it."""
    seen = {_name(layer)}  # a damaged file may describe a circle
    while len(after := graph.followers[_name(layer)]) == 1 and _name(after[0]) not in seen:
        (layer,) = after
        seen.add(_name(layer))
        yield layer
