"""Writing a network in standard form as an ONNX file, without TensorFlow's own operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import quoted
from engine.networks import layer_graph
from engine.networks.numpy_layers import INERT
from engine.networks.onnx_files.layers import LAYERS, Described, GraphWriter, Tensor
from engine.networks.onnx_files.layers.graph_writer import IR_VERSION, OPSET, refused

if TYPE_CHECKING:
    import keras
    import onnx

INPUT, BATCH = "images", "N"


@dataclass(frozen=True)
class _Network:
    """A network's layers in an order in which they can be computed, and its two ends."""

    shape: tuple[int, int, int]
    source: str
    layers: Sequence[Described]
    output: str


def write_onnx(network: keras.Model, path: Path, channels_first: bool) -> None:
    """Write a network as an ONNX file that gives the same output.

    The file takes float32 "images" and gives "probabilities", or "logits" where the network ends
    without a softmax: [N, classes].

    Args:
        network: in standard form, or a chain of such layers.
        path: the file, which is written in place.
        channels_first: whether the file takes images as [N, channels, height, width], as in
            PyTorch, or as [N, height, width, channels].

    Raises:
        UserError: it has a layer that cannot be written.
    """
    path.write_bytes(_model(_described(network), channels_first).SerializeToString())


def _described(network: keras.Model) -> _Network:
    nodes = layer_graph.network_nodes(network)
    source = next((node.name for node in nodes if type(node.layer).__name__ == "InputLayer"), "")
    layers = [
        Described(
            type(node.layer).__name__,
            node.layer.get_config(),
            node.sources or (source,),
            node.layer.get_weights(),
        )
        for node in nodes
        if node.name != source
    ]
    height, width, channels = network.input_shape[1:]
    output = network.outputs[0]._keras_history.operation.name
    return _Network((height, width, channels), source, layers, output)


def _model(network: _Network, channels_first: bool) -> onnx.ModelProto:
    from onnx import TensorProto, helper

    graph = GraphWriter()
    height, width, channels = network.shape
    images = Tensor(graph.free(INPUT), network.shape)
    known = {network.source: images}
    if not channels_first:
        graph.layer = "channels_first"
        known[network.source] = graph.from_keras_order(images)
    for layer in network.layers:
        graph.layer = layer.name
        known[layer.name] = _written(graph, layer, [known[name] for name in layer.sources])
    output = _named(graph, known[network.output], _output_name(network))
    sides = [channels, height, width] if channels_first else [height, width, channels]
    made = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [BATCH, *sides])],
        [helper.make_tensor_value_info(output.name, TensorProto.FLOAT, [BATCH, *output.shape])],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION)


def _written(graph: GraphWriter, layer: Described, given: list[Tensor]) -> Tensor:
    """What a layer gives."""
    if layer.kind in INERT:
        return given[0]
    if layer.kind not in LAYERS:
        raise refused(layer, f"is of the kind {quoted(layer.kind)}, which cannot be written")
    if layer.config.get("data_format", "channels_last") != "channels_last":
        raise refused(layer, "takes channels first")
    return LAYERS[layer.kind](graph, layer, given)


def _output_name(network: _Network) -> str:
    by_name = {layer.name: layer for layer in network.layers}
    last = by_name[network.output]
    while last.kind in ("Flatten", "Reshape") and last.sources[0] in by_name:
        last = by_name[last.sources[0]]
    gives = last.config.get("activation")
    return "probabilities" if gives in ("softmax", "sigmoid") else "logits"


def _named(graph: GraphWriter, value: Tensor, name: str) -> Tensor:
    """The output under a name of its own."""
    graph.layer = name
    return graph.alike("Identity", value)
