"""Networks in every format are read as they were written, and others are refused with a reason."""

import io
import json
import pickle
import struct
import tarfile
import zipfile

import h5py
import keras
import numpy as np
import pytest

from engine.core.errors import UserError
from engine.networks import standard_form
from engine.networks.untrusted import checks
from tests.fixtures import network_files, onnx_networks
from tests.fixtures.network_files import functional, layer

IMAGES = np.random.default_rng(0).random((3, 16, 16, 3), dtype=np.float32)


def opened(path):
    """The network in a file, in standard form, as the limited child opens it."""
    folder = path.with_name("unpacked")
    folder.mkdir()
    checked = checks.check(path, folder)
    network, channels_first = checked.build()
    assert not channels_first
    return checked.format, standard_form.standardize(network)


def refusal(path) -> str:
    folder = path.with_name(f"{path.name}-unpacked")
    folder.mkdir()
    with pytest.raises(UserError) as caught:
        checks.check(path, folder)
    return str(caught.value)


# Keras 3.


def blocks(values, filters):
    """Squeeze and excitation, as EfficientNet has it, with a residual connection."""
    layers = keras.layers
    inner = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(values)
    inner = layers.Activation("swish")(layers.BatchNormalization()(inner))
    gate = layers.Reshape((1, 1, filters))(layers.GlobalAveragePooling2D()(inner))
    gate = layers.Conv2D(filters, 1, activation="sigmoid")(gate)
    inner = layers.Multiply()([inner, gate])
    return layers.Add()([values, layers.SpatialDropout2D(0.2)(inner)])


def efficient():
    layers = keras.layers
    inputs = keras.Input((16, 16, 3))
    values = layers.RandomRotation(0.1)(layers.RandomFlip()(inputs))
    values = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[16000.0, 2.0, 3.0])(
        layers.Rescaling(255.0)(values)
    )
    values = blocks(layers.Conv2D(4, 3, padding="same")(values), 4)
    values = layers.LayerNormalization()(layers.Identity()(values))
    values = layers.PReLU(shared_axes=[1, 2])(layers.Cropping2D(1)(values))
    values = layers.GaussianDropout(0.1)(layers.AlphaDropout(0.1)(values))
    both = [layers.MaxPooling2D()(values), layers.AveragePooling2D(2)(values)]
    kinds = (layers.Maximum, layers.Minimum, layers.Average, layers.Subtract)
    values = layers.Concatenate()([kind()(both) for kind in kinds])
    values = layers.Permute((2, 1, 3))(layers.SeparableConv2D(6, 3)(values))
    values = layers.Dense(5)(layers.Flatten()(values))
    return keras.Model(inputs, layers.Softmax()(values))


def nested():
    base = keras.Sequential(
        [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.BatchNormalization()]
    )
    inner = keras.Input((14, 14, 4))
    values = keras.layers.GlobalMaxPooling2D()(keras.layers.ReLU(6.0)(inner))
    return keras.Sequential([keras.Input((16, 16, 3)), base, keras.Model(inner, values)])


def half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                keras.layers.Conv2D(4, 3, activation="relu"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(3, dtype="float32"),
            ]
        )
    finally:
        keras.config.set_dtype_policy("float32")


def without_an_input():
    network = keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.GlobalMaxPooling2D()])
    network.build((None, 16, 16, 3))
    return network


def large_layers():
    """More values between two layers than a layer may have units."""
    layers = [keras.layers.Conv2D(36, 1), keras.layers.Flatten(), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((16, 16, 3)), *layers])


def compiled():
    network = without_an_input()
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.optimizer.build(network.trainable_variables)
    return network


def with_arithmetic():
    """What `preprocess_input` writes, and a sum of two tensors."""
    inputs = keras.Input((16, 16, 3))
    values = inputs / 0.5 - 1.0
    values = 1.0 - (values + keras.layers.Conv2D(3, 1)(values))
    values = 2.0 * (values - np.array([0.1, 0.2, 0.3], np.float32))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(values))


KERAS = [
    with_arithmetic,
    efficient,
    nested,
    half_precision,
    without_an_input,
    large_layers,
    compiled,
]


def randomized(network):
    """The network with statistics and biases as if it had been trained."""
    rng = np.random.default_rng(1)
    for each in network._flatten_layers(include_self=False, recursive=True):
        if not hasattr(each, "layers") and not isinstance(each, keras.layers.Normalization):
            each.set_weights([rng.uniform(0.1, 0.5, w.shape) for w in each.get_weights()])
    return network


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("make", KERAS)
def test_a_network_of_keras_3_gives_the_same_scores(make, ending, tmp_path):
    network = randomized(make())
    network.save(tmp_path / f"network.{ending}")
    found, again = opened(tmp_path / f"network.{ending}")
    assert found == ending
    precision = 2e-3 if make is half_precision else 1e-4
    expected = network(IMAGES, training=False)
    np.testing.assert_allclose(again.network(IMAGES), expected, rtol=precision)
    if make is efficient:
        assert len(again.left_out) == 4


# Keras 2: what its versions 2.2 to 2.15 wrote.

POLICY = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
SHAPE = {"class_name": "__tuple__", "items": [None, 16, 16, 3]}
SETTINGS = {"kernel_size": [3, 3], "padding": "same", "activation": "linear"}
ZEROS = {"class_name": "Zeros", "config": {}}


def described(kind="Functional", shape=(None, 16, 16, 3)):
    return functional(
        layer("InputLayer", "input_1", batch_input_shape=shape, sparse=False, ragged=False),
        layer("Rescaling", "rescaling", "input_1", scale=1 / 127.5, offset=-1.0),
        layer("RandomFlip", "flip", "rescaling", mode="horizontal", rng_type="stateful"),
        layer("Conv2D", "conv1/conv", "flip", filters=4, bias_initializer=ZEROS, **SETTINGS),
        layer("BatchNormalization", "conv1/bn", "conv1/conv", axis=[3], epsilon=0.001),
        layer("ReLU", "relu6", "conv1/bn", max_value=6.0, negative_slope=0.0, threshold=0.0),
        layer("DepthwiseConv2D", "depthwise", "relu6", groups=1, depth_multiplier=1, **SETTINGS),
        layer("LeakyReLU", "leaky", "depthwise", alpha=0.3, dtype=POLICY),
        layer("SeparableConv2D", "separable", "leaky", filters=4, groups=1, **SETTINGS),
        layer("Add", "add", "separable", "relu6"),
        layer("GlobalAveragePooling2D", "pool", "add", data_format="channels_last"),
        layer("Dense", "dense", "pool", units=3, activation="softmax"),
        kind=kind,
    )


def reference():
    """The same network in Keras 3, and its weights as Keras 2 calls them."""
    layers = keras.layers
    shared = {"kernel_size": 3, "padding": "same"}
    inputs = keras.Input((16, 16, 3))
    values = layers.Conv2D(4, **shared, name="conv1_conv")(layers.Rescaling(1 / 127.5, -1)(inputs))
    relu6 = layers.ReLU(6.0)(layers.BatchNormalization(name="conv1_bn")(values))
    values = layers.LeakyReLU(0.3)(layers.DepthwiseConv2D(**shared, name="depthwise")(relu6))
    values = layers.Add()([layers.SeparableConv2D(4, **shared, name="separable")(values), relu6])
    values = layers.GlobalAveragePooling2D()(values)
    network = keras.Model(inputs, layers.Dense(3, activation="softmax", name="dense")(values))
    names = {
        "conv1/conv": ("kernel", "bias"),
        "conv1/bn": ("gamma", "beta", "moving_mean", "moving_variance"),
        "depthwise": ("depthwise_kernel", "bias"),
        "separable": ("depthwise_kernel", "pointwise_kernel", "bias"),
        "dense": ("kernel", "bias"),
    }
    randomized(network)
    arrays = {
        name: dict(zip(keys, network.get_layer(name.replace("/", "_")).get_weights(), strict=True))
        for name, keys in names.items()
    }
    return network, arrays


@pytest.fixture(scope="module")
def keras2():
    return reference()


@pytest.mark.parametrize("kind", ["Functional", "Model"])
def test_an_h5_file_of_keras_2_gives_the_same_scores(kind, keras2, tmp_path):
    network, arrays = keras2
    network_files.write_h5(tmp_path / "network.h5", described(kind), arrays)
    found, again = opened(tmp_path / "network.h5")
    assert (found, again.left_out) == ("h5", ("flip",))
    np.testing.assert_allclose(again.network(IMAGES), network(IMAGES), rtol=1e-5)


def call(function, name, source, **settings):
    """An operation as Keras 2 describes it."""
    found = layer("TFOpLambda", name, function=function)
    return found | {"inbound_nodes": [[source, 0, 0, settings]]}


def test_arithmetic_of_keras_2_is_done_by_layers(tmp_path):
    config = functional(
        layer("InputLayer", "input_1", batch_input_shape=[None, 16, 16, 3]),
        call("math.truediv", "tf.math.truediv", "input_1", y=0.5),
        call("math.subtract", "tf.math.subtract", "tf.math.truediv", y=[0.1, 0.2, 0.3]),
        call("__operators__.add", "tf.add", "tf.math.subtract", y=["input_1", 0, 0]),
        layer("GlobalAveragePooling2D", "pool", "tf.add"),
    )
    network_files.write_h5(tmp_path / "network.h5", config, {})
    _, again = opened(tmp_path / "network.h5")
    expected = (3 * IMAGES - [0.1, 0.2, 0.3]).mean((1, 2))
    np.testing.assert_allclose(again.network(IMAGES), expected, rtol=1e-5)


@pytest.mark.parametrize("inside", ["", "my network/"])
def test_a_saved_model_of_keras_2_gives_the_same_scores(inside, keras2, tmp_path):
    network, arrays = keras2
    path = tmp_path / "network.zip"
    network_files.write_saved_model(path, described(shape=SHAPE), arrays, inside)
    found, again = opened(path)
    assert (found, again.left_out) == ("savedmodel", ("flip",))
    np.testing.assert_allclose(again.network(IMAGES), network(IMAGES), rtol=1e-5)


def test_a_sequential_network_of_keras_2_begins_with_the_shape_of_its_first_layer(tmp_path):
    settings = {"name": "conv", "filters": 4, "batch_input_shape": [None, 16, 16, 3], **SETTINGS}
    layers = [
        {"class_name": "Conv2D", "config": settings},
        {"class_name": "GlobalMaxPooling2D", "config": {"name": "pool"}},
    ]
    kernel, bias = np.ones((3, 3, 3, 4), np.float32), np.arange(4, dtype=np.float32)
    arrays = {"conv": {"kernel": kernel, "bias": bias}}
    config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}
    network_files.write_h5(tmp_path / "network.h5", config, arrays)
    _, again = opened(tmp_path / "network.h5")
    np.testing.assert_array_equal(again.network(np.zeros((1, 16, 16, 3))), [bias])


def test_weights_that_do_not_fit_are_refused(keras2, tmp_path):
    _, arrays = keras2
    few = {name: part for name, part in arrays.items() if name != "dense"}
    network_files.write_h5(tmp_path / "network.h5", described(), few)
    network_files.write_saved_model(tmp_path / "network.zip", described(), few)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, reason in (("network.h5", "do not fit"), ("network.zip", "lacks the weights of 'd")):
        with pytest.raises(UserError, match=reason):
            checks.check(tmp_path / name, folder).build()


def test_an_onnx_file_is_told_by_its_content(tmp_path):
    model = onnx_networks.NETWORKS["plain"](16, 3)
    (tmp_path / "network.keras").write_bytes(model.SerializeToString())
    checked = checks.check(tmp_path / "network.keras", tmp_path)
    network, channels_first = checked.build()
    assert (checked.format, channels_first) == ("onnx", True)
    assert network.input_shape == (None, 16, 16, 3)


# What is refused, and why.


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("saved_model.pb"))
    return buffer.getvalue()


def weights_only() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/conv2d/vars/0"] = np.zeros(3)
    return buffer.getvalue()


def onnx_bytes() -> bytes:
    return onnx_networks.NETWORKS["plain"](16, 3).SerializeToString()


OTHERS = {
    "PyTorch's zip": (lambda: zipped("net/data.pkl", "net/data/0"), "torch.onnx.export"),
    "a pickle": (lambda: pickle.dumps({"weights": [1]}), "see docs/own-model.md"),
    "weights alone": (weights_only, "holds weights without a network"),
    "TensorFlow Lite": (lambda: b"\x1c\0\0\0TFL3" + bytes(99), "TensorFlow Lite"),
    "safetensors": (lambda: struct.pack("<Q", 2) + b"{}" + bytes(99), "safetensors"),
    "a tar": (tarred, "no zip"),
    "a bare graph": (lambda: b"\x08\x01\x12\x03abc", "zip the whole folder"),
    "a frozen graph": (lambda: b"\x0a\x03abc\x22\x01a", "frozen TensorFlow graph"),
    "a graph alone": (lambda: zipped("net/saved_model.pb"), "holds only a graph"),
    "an ONNX file in a zip": (lambda: zipped("network.onnx"), "unpack it"),
    "a zip of pictures": (lambda: zipped("1.png"), "holds no network"),
    "a web page": (lambda: b"\n<!DOCTYPE html><html>", "web page"),
    "a pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "half an ONNX file": (lambda: onnx_bytes()[:-500], "not a whole ONNX file"),
    "text": (lambda: b"hello, this is a text", "that this program knows"),
    "nothing": (lambda: b"", "is empty"),
}


@pytest.mark.parametrize("content, reason", OTHERS.values(), ids=OTHERS)
def test_other_files_are_refused_with_the_next_step(content, reason, tmp_path):
    (tmp_path / "network.keras").write_bytes(content())
    sentence = refusal(tmp_path / "network.keras")
    assert reason in sentence and sentence.endswith(".")


def setting(place, **settings):
    return lambda config: config["layers"][place]["config"].update(settings)


def operation(config):
    config["layers"][9] |= {"class_name": "TFOpLambda"}
    config["layers"][9]["config"]["function"] = "math.atan"


def subclass(config):
    config["layers"][9]["class_name"] = "my_package>Blend"


PARTS = {
    "two outputs": (
        lambda c: c["output_layers"].append(["pool", 0, 0]),
        r"has 2 outputs \(dense, pool\): keep",
    ),
    "two inputs": (
        lambda c: c["input_layers"].append(["pool", 0, 0]),
        r"has 2 inputs \(input_1, pool\)",
    ),
    "images of any size": (
        setting(0, batch_input_shape=[None, None, None, 3]),
        "no fixed image size: begin it with",
    ),
    "colours first": (setting(10, data_format="channels_first"), "colours first"),
    "an operation": (operation, "the operation 'math.atan' outside a layer"),
    "another size": (
        lambda c: c["layers"][1].update(class_name="Resizing"),
        "'Resizing': save the network without it",
    ),
    "a class of one's own": (subclass, "'my_package>Blend'"),
    "a layer as activation": (
        setting(3, activation={"class_name": "LeakyReLU", "config": {}}),
        "layer or function as an activation",
    ),
    "a call as in training": (
        lambda c: c["layers"][4]["inbound_nodes"][0][0][3].update(training=True),
        "'conv1/bn' with training=True",
    ),
    "another hard sigmoid": (setting(3, activation="hard_sigmoid"), "hard_sigmoid of Keras 2"),
    "no network": (lambda c: c.pop("layers"), "does not describe a network"),
}


@pytest.mark.parametrize("change, reason", PARTS.values(), ids=PARTS)
def test_a_part_that_is_not_allowed_is_named(change, reason, tmp_path):
    config = described()
    change(config["config"])
    with h5py.File(tmp_path / "theirs", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.create_group("model_weights")
    with pytest.raises(UserError, match=reason):
        checks.check(tmp_path / "theirs", tmp_path)
