"""The layers of a network as a file holds them: description, sources and weights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

import numpy as np

from engine.core.errors import quoted
from engine.networks import layer_graph
from engine.networks.numpy_layers import INERT, Unsupported
from engine.networks.untrusted.parts import Parts


@dataclass(frozen=True)
class Saved:
    """A layer as stored in a file.

    Attributes:
        kind: its Keras class.
        config: its description.
        sources: names of the layers that it takes, those that are inert left out.
        arrays: its weights.
    """

    kind: str
    config: Mapping[str, Any]
    sources: tuple[str, ...]
    arrays: list[np.ndarray]

    @property
    def name(self) -> str:
        """Its name in the network."""
        return str(self.config["name"])


@dataclass(frozen=True)
class Description:
    """A network's layers, without those that are inert.

    Attributes:
        input: the name by which layers take the images.
        layers: in an order in which each stands after its sources.
        output: name of the layer that gives the output.
    """

    input: str
    layers: list[Saved]
    output: str


def read_layers(parts: Parts) -> Description:
    """The layers of a file in its order.

    Raises:
        Unsupported: it has several inputs or outputs, or uses a layer more than once.
        ValueError, KeyError, TypeError, IndexError: it is not such a description.
    """
    counted: Counter[str] = Counter()
    inputs: list[str] = []
    read: list[Saved] = []
    known: dict[str, str] = {}  # name of a layer -> of the layer whose output is its own
    for node in layer_graph.description_nodes(parts.config):
        kind, config = node.layer["class_name"], node.layer["config"]
        if node.name in known:
            raise ValueError(f"two layers are called {node.name}")
        _check_calls(node)
        sources = tuple(known[source] for source in node.sources)
        known[node.name] = node.name
        if kind == "InputLayer":
            inputs.append(node.name)
        elif kind in INERT:
            (known[node.name],) = sources
        else:
            # Keras keeps weights by kind and number, whatever a layer is called.
            number = f"_{counted[kind]}" if counted[kind] else ""
            paths = (f"layers/{saved_name(kind)}{number}/vars/{index}" for index in count())
            arrays = [parts.weights[path] for path in takewhile(parts.weights.__contains__, paths)]
            read.append(Saved(kind, config, sources, arrays))
        counted[kind] += 1
    outputs = layer_graph.output_names(parts.config)
    if (len(inputs), len(outputs)) != (1, 1):
        raise Unsupported(f"A network with {len(inputs)} inputs and {len(outputs)} outputs")
    return Description(inputs[0], read, known[outputs[0]])


def _check_calls(node: layer_graph.Node[Mapping[str, Any]]) -> None:
    """Raise `Unsupported` if a layer is used more than once, or as during training."""
    calls = node.layer.get("inbound_nodes", [])
    if len(calls) > 1:
        raise Unsupported(f"The layer {quoted(node.name)}, which is used more than once,")
    if any(call.get("kwargs", {}).get("training") for call in calls):
        raise Unsupported(f"The layer {quoted(node.name)}, which always works as in training,")


def saved_name(kind: str) -> str:
    """The name by which a file holds the weights of a layer of this Keras class.

    Words are separated by underscores: "conv2d" of "Conv2D", "leaky_re_lu" of "LeakyReLU".
    """
    return re.sub("(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", kind).lower()
