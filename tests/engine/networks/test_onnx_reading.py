"""A network read from an ONNX file computes what onnxruntime computes."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engine.core.errors import UserError
from engine.networks.onnx_files.graph import Node
from engine.networks.onnx_files.operators.step import layer_name
from engine.networks.onnx_files.reading import read_onnx
from tests.fixtures.onnx_networks import NETWORKS, Graph

CLASSES = 5
# Padding and strides come out differently for images of an odd size.
ODD = ("residual", "mobile", "inception", "uneven", "channels_last", "cut_channels")


def expected(content: bytes, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def check_equal(model, folder, count: int = 2):
    """Read `model` and compare its scores for random images with onnxruntime's."""
    content = model.SerializeToString()
    (folder / "network.onnx").write_bytes(content)
    read = read_onnx(folder / "network.onnx")
    sides = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim]
    images = np.random.default_rng(1).normal(size=(count, *sides[1:])).astype(np.float32)
    given = images.transpose(0, 2, 3, 1) if read.channels_first else images
    scores = read.network(given, training=False)
    np.testing.assert_allclose(scores, expected(content, images), atol=1e-4, rtol=1e-4)
    return read


@pytest.mark.parametrize(
    ("name", "size"), [*((name, 8) for name in NETWORKS), *((name, 13) for name in ODD)]
)
def test_scores_are_onnxruntimes(name, size, tmp_path):
    model = NETWORKS[name](size, CLASSES)
    read = check_equal(model, tmp_path, 1 if name == "uneven" else 2)
    assert read.network.input_shape == (None, size, size, 3)
    assert read.channels_first == (name != "channels_last")


def kinds(read) -> list[str]:
    return [type(layer).__name__ for layer in read.network.layers]


def test_features_are_flattened_without_moving_them(tmp_path):
    for name in ("plain", "pre_activation", "channels_last"):
        found = kinds(check_equal(NETWORKS[name](8, CLASSES), tmp_path))
        assert "Permute" not in found, name
        assert found[found.index("Flatten") + 1] == "Dense", name


def test_patterns_become_one_layer(tmp_path):
    assert kinds(check_equal(NETWORKS["normalizing"](8, 5), tmp_path)).count("Rescaling") == 5
    for name, activation in (("efficient", "silu"), ("convnext", "gelu")):
        layers = check_equal(NETWORKS[name](8, CLASSES), tmp_path).network.layers
        found = [layer.activation.__name__ for layer in layers if hasattr(layer, "activation")]
        assert activation in found


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_stack_of_convolutions_and_pools(data, tmp_path_factory):
    graph = Graph(data.draw(st.integers(15, 18)))  # pixels are left after three steps
    value, depth = "input", 3
    for _ in range(data.draw(st.integers(1, 3))):
        side = data.draw(st.integers(1, 3))
        window = {
            "kernel_shape": [side, side],
            "strides": data.draw(st.sampled_from([[1, 1], [2, 2]])),
            "pads": data.draw(st.lists(st.integers(0, (side - 1) // 2), min_size=4, max_size=4)),
        }
        kind = data.draw(st.sampled_from(["MaxPool", "AveragePool", "Conv", "Depthwise", "Relu"]))
        if kind == "MaxPool":
            upward = 0 if any(window["pads"]) else data.draw(st.integers(0, 1))
            value = graph.add(kind, value, ceil_mode=upward, **window)
        elif kind == "AveragePool":
            counted = data.draw(st.integers(0, 1))
            value = graph.add(kind, value, count_include_pad=counted, **window)
        elif kind == "Relu":
            value = graph.norm(graph.relu(value), depth)
        else:
            filters = depth * data.draw(st.integers(1, 2))
            options = {"strides": window["strides"], "pads": window["pads"]}
            group = depth if kind == "Depthwise" else 1
            value = graph.conv(value, depth, filters, side, group=group, **options)
            depth = filters
    model = graph.model(graph.add("Flatten", value), CLASSES)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "features"
    check_equal(model, tmp_path_factory.mktemp("stack"))


def test_old_and_new_ways_to_say_the_same(tmp_path):
    for opset in (9, 21):
        new = opset > 18
        graph = Graph(8, opset=opset)
        if new:
            pads = [graph.integers(1, 1, 1, 2), graph.constant(0.0), graph.integers(2, 3)]
            value = graph.add("Pad", "input", *pads)
            value = graph.add("Clip", value, "", graph.constant(0.7))
            parts = [graph.integers(1, 0), graph.integers(9, 9), graph.integers(2, 3)]
            value = graph.add("Slice", value, *parts, graph.integers(2, 1))
            value = graph.add("ReduceMean", value, graph.integers(3), keepdims=0)
            value = graph.add("ReduceMean", value, graph.integers(2), keepdims=1)
            parts = [graph.add("Shape", value, start=0, end=1), graph.integers(3)]
            shape = graph.add("Concat", *parts, axis=0)
            value = graph.add("Reshape", value, shape, allowzero=1)
        else:
            value = graph.add("Pad", "input", pads=[0, 0, 1, 1, 0, 0, 1, 2], mode="constant")
            value = graph.add("Clip", value, max=0.7)
            value = graph.add("Slice", value, starts=[1, 0], ends=[9, 9], axes=[2, 3])
            value = graph.add("ReduceMean", value, axes=[2, 3], keepdims=1)
            value = graph.add("Unsqueeze", value, axes=[4])
            value = graph.add("Squeeze", value, axes=[2, 3, 4])
        value = graph.add("Softmax", graph.dense(value, 3, CLASSES))
        check_equal(graph.model(value, CLASSES), tmp_path)


def test_constants_on_either_side_and_values_with_each_other(tmp_path):
    graph = Graph(8)
    one = graph.constant(np.reshape(graph.random(3), (3, 1, 1)))
    values = [graph.add("Sub", one, "input"), graph.add("Neg", "input")]
    values += [graph.add("Mul", *values), graph.add("Sub", *values), graph.add("Max", *values)]
    values += [graph.add("Mean", *values), graph.add("Min", *values), graph.add("Sum", *values[:3])]
    value = graph.add("Concat", *values, axis=-3)
    value = graph.add("Reshape", value, graph.integers(-1, 16, 96))  # mixes channels and rows
    value = graph.add("Reshape", value, graph.integers(-1, 24, 64))
    value = graph.add("ReduceMean", value, axes=[-1], keepdims=0)
    check_equal(graph.model(graph.dense(value, 24, CLASSES), CLASSES), tmp_path)


def test_scores_per_place_are_given_in_the_files_order(tmp_path):
    graph = Graph(4)
    value = graph.add("Flatten", graph.add("Softmax", graph.conv("input", 3, 4), axis=1))
    check_equal(graph.model(value, 64), tmp_path)


def test_constants_in_nodes_and_initializers_among_the_inputs(tmp_path):
    model = NETWORKS["plain"](8, CLASSES)
    weights = model.graph.initializer
    for tensor in weights[:2]:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims)
        )
    moved = helper.make_node("Constant", [], [weights[2].name], value=weights[2])
    model.graph.node.insert(0, moved)
    del weights[2]
    check_equal(model, tmp_path)


def test_whole_numbers_that_are_scaled_inside(tmp_path):
    graph = Graph(8, last=True)
    graph.input.type.tensor_type.elem_type = TensorProto.UINT8
    value = graph.add("Cast", "input", to=TensorProto.FLOAT)
    value = graph.add("Transpose", graph.add("Div", value, graph.constant(255)), perm=[0, 3, 1, 2])
    value = graph.add("Flatten", graph.add("GlobalAveragePool", graph.conv(value, 3, 4)))
    model = graph.model(graph.dense(value, 4, CLASSES), CLASSES)
    (tmp_path / "network.onnx").write_bytes(model.SerializeToString())
    images = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    read = read_onnx(tmp_path / "network.onnx")
    assert not read.channels_first
    scores = read.network(images.astype(np.float32))
    np.testing.assert_allclose(scores, expected(model.SerializeToString(), images), atol=1e-4)


def test_half_and_double_precision_become_float32(tmp_path):
    model = NETWORKS["plain"](8, CLASSES)
    wanted = model.SerializeToString()
    for dtype, kind in ((np.float64, TensorProto.DOUBLE), (np.float16, TensorProto.FLOAT16)):
        for tensor in model.graph.initializer:
            array = numpy_helper.to_array(tensor).astype(dtype)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        model.graph.input[0].type.tensor_type.elem_type = kind
        (tmp_path / "network.onnx").write_bytes(model.SerializeToString())
        network = read_onnx(tmp_path / "network.onnx").network
        assert network.compute_dtype == "float32"
        images = np.random.default_rng(1).random((1, 3, 8, 8), np.float32)
        found = network(images.transpose(0, 2, 3, 1))
        np.testing.assert_allclose(found, expected(wanted, images), atol=1e-2)


def test_layers_are_named_after_the_nodes():
    def name(node: str, kind: str = "Conv") -> str:
        return layer_name(Node(kind, node, (), (), {}))

    assert name("/layer1/layer1.0/conv1/Conv") == "layer1.0.conv1"
    assert name("/layer1/layer1.0/Relu_1", "Relu") == "layer1.0.Relu_1"
    assert name("Conv_12") == "Conv_12"
    assert name("") == name("/") == name("x" * 200) == "conv"
    assert name("ein<b>\x07", "MaxPool") == "ein_b"


def test_names_are_unique(tmp_path):
    graph = Graph(8)
    value = graph.conv(graph.conv("input", 3, 3), 3, CLASSES)
    value = graph.add("Flatten", graph.add("GlobalMaxPool", value))
    model = graph.model(value, CLASSES)
    for place, name in enumerate(("images", "/images", "images/", "//images")):
        model.graph.node[place].name = name
    read = check_equal(model, tmp_path)
    assert [layer.name for layer in read.network.layers] == [
        "images",
        "images_2",
        "images_3",
        "images_4",
    ]


def test_a_damaged_file_gives_a_sentence_or_a_network(tmp_path):
    content = NETWORKS["shuffled"](8, CLASSES).SerializeToString()
    rng = np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(content)
        for place in rng.integers(len(damaged), size=4):
            damaged[place] = rng.integers(256)
        (tmp_path / "network.onnx").write_bytes(damaged[: rng.integers(100, 2 * len(damaged))])
        try:
            read_onnx(tmp_path / "network.onnx")
        except UserError as error:
            assert str(error).endswith(".")
