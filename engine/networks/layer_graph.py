"""The graph of a network's layers: what each takes, and whether they form a single chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from engine.core.errors import UserError

if TYPE_CHECKING:
    import keras

Layer = TypeVar("Layer")


class NotAChain(UserError):
    """A layer takes something else than the output of the layer before it."""


@dataclass(frozen=True)
class Node(Generic[Layer]):
    """A layer and its place in the graph.

    Attributes:
        name: of the layer.
        layer: a Keras layer, or its description in a file.
        sources: names of the layers whose outputs it takes, in order.
    """

    name: str
    layer: Layer
    sources: tuple[str, ...]


def network_nodes(model: keras.Model) -> list[Node[Any]]:
    """The nodes of a network, in the order of its layers.

    Raises:
        UserError: a layer is used more than once.
    """
    import keras

    if isinstance(model, keras.Sequential):
        return _sequence([(layer.name, layer) for layer in model.layers])
    sources: dict[str, tuple[str, ...]] = {}
    # A layer may be part of other networks too: only this network's nodes count.
    for node in (node for depth in model._nodes_by_depth.values() for node in depth):
        name = node.operation.name
        if name in sources:
            raise UserError(
                f"The layer '{name}' is used more than once:"
                " channels of such a network cannot be switched off."
            )
        tensors = [] if node.is_input else node.input_tensors
        sources[name] = tuple(tensor._keras_history.operation.name for tensor in tensors)
    return [Node(layer.name, layer, sources[layer.name]) for layer in model.layers]


def description_nodes(description: Mapping[str, Any]) -> list[Node[Mapping[str, Any]]]:
    """The nodes of a network described in a file, as Keras writes it to `config.json`.

    Raises:
        KeyError, TypeError, IndexError: it is not such a description.
    """
    items = description["config"]["layers"]
    if description["class_name"] == "Sequential":
        return _sequence([(item["config"]["name"], item) for item in items])
    return [Node(item["config"]["name"], item, _saved_sources(item)) for item in items]


def output_names(description: Mapping[str, Any]) -> list[str]:
    """Names of the layers that give the outputs of a network described in a file.

    Raises:
        KeyError, TypeError, IndexError: it is not such a description.
    """
    config = description["config"]
    if description["class_name"] == "Sequential":
        return [str(config["layers"][-1]["config"]["name"])]
    outputs = config["output_layers"]
    if isinstance(outputs[0], str):  # one alone: name, number of the call, number of the output
        outputs = [outputs]
    return [str(name) for name, *_ in outputs]


def chain(nodes: Sequence[Node[Layer]]) -> list[Layer]:
    """The layers, each of which takes the output of the one before and nothing else.

    Raises:
        NotAChain: the layers branch or join.
    """
    for before, after in pairwise(nodes):
        if after.sources != (before.name,):
            raise NotAChain(
                "Pruning works on networks whose layers form a single chain;"
                f" '{after.name}' does not follow '{before.name}' alone."
            )
    return [node.layer for node in nodes]


def followers(nodes: Iterable[Node[Layer]]) -> dict[str, list[Layer]]:
    """The layers that take each layer's output, by its name; an empty list for any other name."""
    found: dict[str, list[Layer]] = defaultdict(list)
    for node in nodes:
        for source in node.sources:
            found[source].append(node.layer)
    return found


def _sequence(named: Sequence[tuple[str, Layer]]) -> list[Node[Layer]]:
    names = [name for name, _ in named]
    return [
        Node(name, layer, tuple(names[max(0, place - 1) : place]))
        for place, (name, layer) in enumerate(named)
    ]


def _saved_sources(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the layers that a described layer takes, over all its calls."""
    return tuple(
        str(tensor["config"]["keras_history"][0])
        for call in item["inbound_nodes"]
        for argument in call["args"]
        for tensor in (argument if isinstance(argument, list) else [argument])
    )
