"""A network up to its logits, the scores before the final softmax.

Losses and gradients are taken there: a confident network's probabilities are 1 and 0 in float32,
and have no gradient just where it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.core.errors import UserError
from engine.networks import running
from engine.networks.layer_graph import Node, network_nodes
from engine.networks.layer_kinds import activation_of, kind_of

if TYPE_CHECKING:
    import keras

# What turns scores into probabilities and keeps their order.
_PROBABILITIES = ("softmax", "sigmoid")
_ACTIVATIONS = ("Activation", "Softmax")
_RESHAPING = ("Dropout", "SpatialDropout2D", "Flatten", "Reshape")
_AVERAGING = ("Average", "AveragePooling2D", "GlobalAveragePooling2D")


class _End(NamedTuple):
    """The end of a network.

    Attributes:
        layer: the last one that computes something.
        source: the first tensor it takes.
        after: the layers that merely reshape its output.
    """

    layer: Any
    source: Any
    after: list[Any]


def logits_network(model: keras.Model) -> keras.Model:
    """`model` without its final softmax, on the same variables.

    A final sigmoid is left out as well: it keeps the order of the classes, and the softmax of its
    scores serves as probabilities. A network that ends in neither gives logits already.

    Args:
        model: from float32 images [n, height, width, 3] to float32 [n, classes].

    Returns:
        A network to float32 [n, classes], or `model` itself.

    Raises:
        UserError: the network averages probabilities, so that it has no logits.
    """
    nodes = {node.name: node for node in network_nodes(model)}
    last = _computing(nodes, running.output_name(model))
    if kind_of(last.layer) in _AVERAGING and any(
        activation_of(nodes[source].layer) in _PROBABILITIES for source in last.sources
    ):
        raise UserError(
            f"The network averages probabilities in '{last.name}', so that it has no logits to"
            " take gradients from: end it in a single softmax."
        )
    return scores_network(model)


def scores_network(model: keras.Model) -> keras.Model:
    """`logits_network` where there are logits, else `model`: it predicts the same classes."""
    import keras

    end = _end_of(model)
    if activation_of(end.layer) not in _PROBABILITIES:
        return model
    values = end.source
    if kind_of(end.layer) not in _ACTIVATIONS:
        values = _without_activation(end.layer)(values)
    return keras.Model(model.inputs[0], running.apply(end.after, values))


def read_out(model: keras.Model) -> tuple[Any, keras.Model]:
    """The dense layer that gives the logits, and the network up to it.

    Returns:
        The layer, and a network on the same variables whose output the layer takes.

    Raises:
        UserError: the logits come from another kind of layer.
    """
    import keras

    end = _end_of(model)
    if kind_of(end.layer) in _ACTIVATIONS:
        end = _end_of(keras.Model(model.inputs[0], end.source))
    if kind_of(end.layer) != "Dense":
        raise UserError(
            f"The class scores come from '{end.layer.name}', not from a dense layer: choose"
            " another network."
        )
    return end.layer, keras.Model(model.inputs[0], end.source)


def _computing(nodes: Mapping[str, Node[Any]], name: str) -> Node[Any]:
    """The layer whose output the layer called `name` gives, in the same or another shape."""
    while kind_of(nodes[name].layer) in _RESHAPING and nodes[name].sources:
        (name,) = nodes[name].sources
    return nodes[name]


def _end_of(model: keras.Model) -> _End:
    nodes = {node.name: node for node in network_nodes(model)}
    last = _computing(nodes, running.output_name(model))
    after: list[Any] = []
    name = running.output_name(model)
    while name != last.name:
        after.insert(0, nodes[name].layer)
        (name,) = nodes[name].sources
    tensors = running.layer_tensors(model)
    source = tensors[last.sources[0]] if last.sources else model.inputs[0]
    return _End(last.layer, source, after)


def _without_activation(layer: Any) -> Any:
    """A layer that computes what a dense or convolution layer does before its activation."""
    import keras

    class Scores(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name=f"{layer.name}_scores", trainable=layer.trainable)
            self.scored = layer

        def call(self, values: Any) -> Any:
            if hasattr(layer, "convolution_op"):
                values = layer.convolution_op(values, layer.kernel)
            else:
                values = keras.ops.matmul(values, layer.kernel)
            return values if layer.bias is None else values + layer.bias

    return Scores()
