"""The graph of a network's layers: which layers each takes, and which take it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from engine.core.errors import UserError

if TYPE_CHECKING:
    import keras

Layer = TypeVar("Layer")


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


class Placed(Protocol):
    """Anything with a name and the names of what it takes: a node, or a layer made from one."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def sources(self) -> tuple[str, ...]: ...  # noqa: D102


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


def followers(nodes: Iterable[Node[Layer]]) -> dict[str, list[Layer]]:
    """The layers that take each layer's output, by its name; an empty list for any other name."""
    found: dict[str, list[Layer]] = defaultdict(list)
    for node in nodes:
        for source in node.sources:
            found[source].append(node.layer)
    return found


def sources_among(layers: Iterable[Placed], names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each of `names` the nearest of them from which its values come.

    Args:
        layers: in an order in which each stands after its sources.
        names: of some of the layers, and perhaps of what they take that is no layer.
    """
    nearest: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    found = {}
    for layer in layers:
        before = (name for source in layer.sources for name in nearest.get(source, ()))
        found[layer.name] = tuple(dict.fromkeys(before))
        nearest.setdefault(layer.name, found[layer.name])
    return {name: found[name] for name in names if name in found}


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
