"""Writing a network in standard form as an ONNX file, without TensorFlow's own operators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import quoted
from engine.networks import layer_graph, saved_layers
from engine.networks.numpy_layers import INERT
from engine.networks.onnx_files.layers import LAYERS, GraphWriter, Tensor
from engine.networks.onnx_files.layers.graph_writer import IR_VERSION, OPSET, refused
from engine.networks.saved_layers import Description, Saved
from engine.networks.untrusted.parts import Parts

if TYPE_CHECKING:
    import keras
    import onnx

INPUT, BATCH = "images", "N"


def write_onnx(network: keras.Model | Parts, path: Path, channels_first: bool) -> None:
    """Write a network as an ONNX file that gives the same output.

    The file takes float32 "images" and gives "probabilities", or "logits" where the network ends
    without a softmax: [N, classes]. `Parts` need no TensorFlow.

    Args:
        network: in standard form, or a chain of such layers.
        path: the file, which is written in place.
        channels_first: whether the file takes images as [N, channels, height, width], as in
            PyTorch, or as [N, height, width, channels].

    Raises:
        UserError: it has a layer that cannot be written.
    """
    if isinstance(network, Parts):
        described, shape = saved_layers.read_layers(network), network.input_shape()
    else:
        described, shape = _described(network), network.input_shape[1:]
    path.write_bytes(_model(described, shape, channels_first).SerializeToString())


def _described(network: keras.Model) -> Description:
    """The layers of a network in memory."""
    nodes = layer_graph.network_nodes(network)
    source = next((node.name for node in nodes if type(node.layer).__name__ == "InputLayer"), "")
    layers = [
        Saved(
            type(node.layer).__name__,
            node.layer.get_config(),
            node.sources or (source,),
            node.layer.get_weights(),
        )
        for node in nodes
        if node.name != source
    ]
    return Description(source, layers, network.outputs[0]._keras_history.operation.name)


def _model(
    network: Description, shape: tuple[int, int, int], channels_first: bool
) -> onnx.ModelProto:
    from onnx import TensorProto, helper

    graph = GraphWriter()
    height, width, channels = shape
    images, end = Tensor(graph.free(INPUT), shape), graph.free(_output_name(network))
    known = {network.input: images}
    if not channels_first:
        graph.layer = "channels_first"
        known[network.input] = graph.from_keras_order(images)
    for layer in network.layers:
        graph.layer = layer.name
        known[layer.name] = _written(graph, layer, [known[name] for name in layer.sources])
    output = known[network.output]
    graph.nodes.append(helper.make_node("Identity", [output.name], [end], name=end))
    sides = [channels, height, width] if channels_first else [height, width, channels]
    made = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [BATCH, *sides])],
        [helper.make_tensor_value_info(end, TensorProto.FLOAT, [BATCH, *output.shape])],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION)


def _written(graph: GraphWriter, layer: Saved, given: list[Tensor]) -> Tensor:
    """What a layer gives."""
    if layer.kind in INERT:
        return given[0]
    if layer.kind not in LAYERS:
        raise refused(layer, f"is of the kind {quoted(layer.kind)}, which cannot be written")
    if layer.config.get("data_format", "channels_last") != "channels_last":
        raise refused(layer, "takes channels first")
    return LAYERS[layer.kind](graph, layer, given)


def _output_name(network: Description) -> str:
    by_name = {layer.name: layer for layer in network.layers}
    last = by_name[network.output]
    while last.kind in ("Flatten", "Reshape") and last.sources[0] in by_name:
        last = by_name[last.sources[0]]
    gives = last.config.get("activation")
    return "probabilities" if gives in ("softmax", "sigmoid") else "logits"
