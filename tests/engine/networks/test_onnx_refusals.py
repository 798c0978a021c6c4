"""ONNX files that are not read are refused in one sentence that names the thing."""

import re

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.core.errors import UserError
from engine.networks.onnx_files import graph as onnx_graph
from engine.networks.onnx_files.reading import read_onnx
from tests.fixtures.onnx_networks import NETWORKS, Graph

CLASSES = 5


def plain():
    return NETWORKS["plain"](8, CLASSES)


def finished(graph: Graph, value: str, classes: int = CLASSES):
    return graph.model(value, classes)


def with_node(kind: str, *, last: bool = False, **options):
    """A network whose last operator is one of this kind."""
    graph = Graph(8, last=last)
    return finished(graph, graph.add(kind, "input", **options))


def resized(sides: list):
    model = plain()
    shape = model.graph.input[0].type.tensor_type.shape
    del shape.dim[:]
    for side in sides:
        dimension = shape.dim.add()
        if isinstance(side, int):
            dimension.dim_value = side
        else:
            dimension.dim_param = side
    return model


def in_another_file():
    model = plain()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")
    return model


def in_another_file_in_a_node():
    model = plain()
    weights = TensorProto(name="hidden", data_type=1, dims=[1])
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="weights.bin")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["hidden"], value=weights))
    return model


def of_other_domain():
    model = plain()
    model.graph.node[1].domain = "com.microsoft"
    return model


def with_function():
    model = plain()
    model.functions.add(name="mine")
    return model


def with_two_outputs():
    model = plain()
    model.graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, [1]))
    return model


def with_two_inputs():
    model = plain()
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))
    return model


def with_input_of(kind: int):
    model = plain()
    model.graph.input[0].type.tensor_type.elem_type = kind
    return model


def with_weights(change):
    model = plain()
    weights = model.graph.initializer[0]
    array = change(numpy_helper.to_array(weights).copy())
    weights.CopyFrom(numpy_helper.from_array(array, weights.name))
    return model


def not_a_number(array: np.ndarray) -> np.ndarray:
    array[0] = np.nan
    return array


def declaring_more():
    model = plain()
    model.graph.initializer[0].dims[0] += 1
    return model


def too_large():
    model = plain()
    model.graph.initializer.append(TensorProto(name="huge", data_type=1, dims=[1 << 20, 1 << 20]))
    return model


def of_opset(version: int):
    model = plain()
    model.opset_import[0].version = version
    return model


def of_many_nodes():
    model = plain()
    for number in range(onnx_graph.MAX_NODES):
        model.graph.node.add(op_type="Relu", input=["input"], output=[f"r{number}"])
    return model


def out_of_order():
    model = plain()
    nodes = [*model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes[::-1])
    return model


def with_conv(**options):
    graph = Graph(8)
    depth = options.pop("depth", 3)
    return finished(graph, graph.conv("input", depth, 4, **options))


def with_negative_pad():
    graph = Graph(8)
    return finished(graph, graph.add("Pad", "input", graph.integers(0, 0, -1, 0, 0, 0, 0, 0)))


def with_reshape(*shape: int):
    graph = Graph(8)
    return finished(graph, graph.add("Reshape", "input", graph.integers(*shape)))


def with_pixel_mean():
    graph = Graph(8)
    return finished(graph, graph.add("Sub", "input", graph.constant(graph.random(1, 3, 8, 8))))


def with_computed_weights():
    graph = Graph(8)
    value = graph.add("Flatten", "input")
    return finished(graph, graph.add("MatMul", value, value))


def in_training():
    graph = Graph(8)
    arrays = [graph.constant(np.ones(3)) for _ in range(4)]
    return finished(graph, graph.add("BatchNormalization", "input", *arrays, training_mode=1))


CASES = {
    "an unknown operator": (lambda: with_node("Resize"), "'Resize' .*'Resize_0'.*not supported"),
    "a loop": (lambda: with_node("Loop"), "'Loop'.*evaluation mode"),
    "quantized": (lambda: with_node("QuantizeLinear"), "quantized.*float32"),
    "weights in another file": (in_another_file, "'weight_0'.*another file.*external_data"),
    "the same in a node": (in_another_file_in_a_node, "'hidden'.*another file"),
    "another domain": (of_other_domain, "'Relu' of 'com.microsoft'"),
    "a function": (with_function, "operators of its own"),
    "two outputs": (with_two_outputs, "2 outputs.*'features'"),
    "two inputs": (with_two_inputs, "2 inputs.*'mask'"),
    "any size": (lambda: resized(["N", 3, "height", "width"]), "any size.*fixed height"),
    "no image": (lambda: resized(["N", 192]), "2 dimensions"),
    "five colours": (lambda: resized(["N", 5, 8, 8]), "1 or 3 colours"),
    "text": (lambda: with_input_of(TensorProto.STRING), "does not take numbers"),
    "not finite": (lambda: with_weights(not_a_number), "not finite"),
    "complex": (lambda: with_weights(lambda array: array.astype(complex)), "not plain numbers"),
    "a size that lies": (declaring_more, "'weight_0' of another size"),
    "too large": (too_large, "512 MB"),
    "opset 8": (lambda: of_opset(8), "version 8.*opset 13"),
    "too many nodes": (of_many_nodes, "more than 4000 nodes"),
    "out of order": (out_of_order, "without all of its inputs"),
    "other depth": (lambda: with_conv(depth=4), "weights that do not fit"),
    "strides and dilation": (
        lambda: with_conv(strides=[2, 2], dilations=[2, 2]),
        "both strides and dilations",
    ),
    "too small": (lambda: with_conv(side=11, pads=[0, 0, 0, 0]), "smaller than its window"),
    "negative padding": (with_negative_pad, "'Pad'.*negative padding"),
    "batch moved": (lambda: with_node("Transpose", perm=[1, 0, 2, 3]), "across the batch"),
    "batch flattened": (lambda: with_node("Flatten", axis=0), "across the batch"),
    "batch in shape": (lambda: with_reshape(3, -1), "across the batch"),
    "wrong size": (lambda: with_reshape(0, 7, -1), "does not fit each image"),
    "mean of the batch": (lambda: with_node("ReduceMean", axes=[0, 2]), "across the batch"),
    "a mean image": (with_pixel_mean, "constant for each pixel"),
    "attention": (with_computed_weights, "'MatMul'.*depend on the images"),
    "training mode": (in_training, r"model\.eval\(\)"),
    "images as output": (lambda: with_node("Relu"), r"gives \[batch, 3, 8, 8\]"),
}


@pytest.mark.parametrize(("make", "sentence"), CASES.values(), ids=CASES)
def test_refused_in_one_sentence(make, sentence, tmp_path):
    (tmp_path / "network.onnx").write_bytes(make().SerializeToString())
    with pytest.raises(UserError) as refused:
        read_onnx(tmp_path / "network.onnx")
    found = str(refused.value)
    assert re.search(sentence, found), found
    assert found[0].islower()
    assert found.endswith(".")
    assert len(found) < 250


@pytest.mark.parametrize(
    "content", [b"", b"no network", b"\x08\x07", plain().SerializeToString()[:900]]
)
def test_what_is_no_onnx_file_is_refused(content, tmp_path):
    (tmp_path / "network.onnx").write_bytes(content)
    with pytest.raises(UserError, match=r"not a whole \.onnx file|without all|outputs|inputs"):
        read_onnx(tmp_path / "network.onnx")
