"""The network without TensorFlow says what Keras says."""

import dataclasses
import io
import json
import tracemalloc
import zipfile

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from keras.src.utils.naming import to_snake_case

from engine.core.errors import UserError
from engine.networks import (
    architectures,
    channels,
    edit,
    logits,
    numpy_inference,
    numpy_layers,
    running,
    saved_layers,
    standard_form,
    untrusted,
)
from engine.networks.untrusted import config_checks, weights
from engine.networks.untrusted.parts import Parts
from tests.fixtures import branching_networks
from tests.fixtures.branching_networks import set_random_weights


def loaded(path):
    return numpy_inference.load(untrusted.own_parts(path, path.name))


@pytest.fixture(scope="module")
def parts_of(tmp_path_factory):
    """A function that gives what a file of a network holds."""

    def parts(model):
        file = tmp_path_factory.mktemp("network") / "network.keras"
        model.save(file)
        with zipfile.ZipFile(file) as archive:
            config = json.loads(archive.read("config.json"))
            return Parts(config, weights.read(io.BytesIO(archive.read("model.weights.h5"))))

    return parts


def pictures(model, count=3):
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)


def check_close(found, expected, name=""):
    """Equal to 1e-5 of the size of the values."""
    expected = np.asarray(expected)
    assert found.shape == expected.shape, name
    assert found.dtype == np.float32, name
    largest = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * largest, err_msg=name)


def check_same(model, parts, names=()):
    """Compare probabilities, logits and the outputs of the named layers with Keras's."""
    plain, images = numpy_inference.load(parts), pictures(model)
    scaled = running.scale(images)
    check_close(plain.probabilities(images), model(scaled, training=False))
    check_close(plain.logits(images), logits.logits_network(model)(scaled, training=False))
    if names:
        expected = running.intermediate_outputs(model, names)(scaled, training=False)
        for name, found in plain.outputs(images, names).items():
            check_close(found, expected[name], name)


ALONE = {
    "activation": [layers.Activation(name) for name in sorted(config_checks.ACTIVATIONS)],
    "activation layers": [
        layers.ReLU(),
        layers.ReLU(0.3),
        layers.ReLU(0.3, negative_slope=0.1),
        layers.ReLU(None, negative_slope=0.1, threshold=0.2),
        layers.ReLU(0.5, threshold=0.2),
        layers.ELU(0.7),
        layers.LeakyReLU(0.3),
        layers.PReLU(),
        layers.PReLU(shared_axes=[1, 2]),
        layers.Softmax(),
        layers.Softmax(axis=[1, 2]),
    ],
    "convolution": [
        layers.Conv2D(5, 3, padding="same", activation="relu"),
        layers.Conv2D(5, (2, 3), strides=2, padding="same", use_bias=False),
        layers.Conv2D(5, (1, 3), strides=(2, 1)),
        layers.Conv2D(5, 1, strides=2, activation="tanh"),
        layers.Conv2D(5, 3, dilation_rate=2, padding="same"),
        layers.Conv2D(5, (2, 3), dilation_rate=(2, 1)),
        layers.Conv2D(6, 3, groups=2, strides=2, padding="same"),
        layers.Conv2D(8, 1, groups=4),
    ],
    "depthwise convolution": [
        layers.DepthwiseConv2D(3, padding="same", activation="relu6"),
        layers.DepthwiseConv2D((2, 3), depth_multiplier=3, use_bias=False),
        layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
        layers.DepthwiseConv2D(3, dilation_rate=2, padding="same"),
    ],
    "dense": [layers.Dense(3, activation="gelu"), layers.Dense(3, use_bias=False)],
    "normalization": [
        layers.BatchNormalization(),
        layers.BatchNormalization(scale=False),
        layers.BatchNormalization(center=False, axis=3),
        layers.BatchNormalization(axis=1),
        layers.LayerNormalization(),
        layers.LayerNormalization(axis=[1, 2, 3]),
        layers.LayerNormalization(axis=[1, 2], center=False),
        layers.LayerNormalization(scale=False, epsilon=0.1),
        layers.Rescaling(2, 0.5),
        layers.Rescaling([1.0, 2.0, 3.0, 4.0] * 2, [0.5, 0.0] * 4),
    ],
    "pooling": [
        kind(*of)
        for kind in (layers.MaxPooling2D, layers.AveragePooling2D)
        for of in ((2,), (2, None, "same"), (3, 2, "same"), ((2, 3), 1), ((1, 4), (2, 3), "same"))
    ]
    + [
        kind(keepdims=kept)
        for kind in (layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D)
        for kept in (False, True)
    ],
    "shape": [
        layers.Flatten(),
        layers.Reshape((7, 8, 9)),
        layers.Reshape((-1, 3)),
        layers.Permute((3, 1, 2)),
        layers.ZeroPadding2D(((1, 2), (0, 3))),
        layers.Cropping2D(((1, 2), (0, 3))),
        layers.Cropping2D(1),
    ],
}


@pytest.fixture(scope="module")
def every_kind():
    """A network with every layer of `ALONE`, each on values of both signs."""
    # Named, because Keras numbers layers anew where a test before has cleared its session.
    images = keras.Input((9, 7, 3))
    values = layers.Conv2D(8, 3, padding="same", name="first")(images)
    outputs = [layer(values) for kind in ALONE.values() for layer in kind]
    dropped = layers.Dropout(0.3, name="dropped")(values)
    flat = [layers.GlobalMaxPooling2D(name="largest")(dropped)]
    flat += [layers.Flatten(name=f"flat_{place}")(output) for place, output in enumerate(outputs)]
    joined = layers.Concatenate(name="joined")(flat)
    scores = layers.Dense(4, activation="softmax", name="scores")(joined)
    return set_random_weights(keras.Model(images, scores))


def test_a_layer_of_each_kind_gives_what_kerass_gives(every_kind, parts_of):
    names = [layer.name for kind in ALONE.values() for layer in kind]
    check_same(every_kind, parts_of(every_kind), names)


def test_layers_that_join_others_give_what_kerass_give(parts_of):
    images = keras.Input((6, 5, 3))
    values = [layers.Conv2D(4, 3, padding="same", name=name)(images) for name in "abc"]
    means = layers.GlobalAveragePooling2D()(values[0])
    joined = [
        kind()(values)
        for kind in (layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
    ]
    joined += [
        layers.Subtract()(values[:2]),
        layers.Add()([values[0], values[0]]),
        layers.Multiply()([values[1], means]),  # [n, c] as [n, 1, 1, c]
        layers.Maximum()([layers.Reshape((1, 1, 4))(means), values[2]]),
        layers.Concatenate(axis=1)(values),
        layers.Concatenate()([values[0], images]),
    ]
    flat = [layers.Flatten()(of) for of in joined]
    model = keras.Model(images, layers.Dense(3)(layers.Concatenate(axis=1)(flat)))
    names = [tensor._keras_history.operation.name for tensor in joined]
    check_same(set_random_weights(model), parts_of(model), names)


def test_weights_are_found_by_kerass_own_rule_for_every_kind():
    kinds = {*numpy_layers.KINDS, *numpy_layers.INERT, "InputLayer"}
    assert {kind: saved_layers.saved_name(kind) for kind in kinds} == {
        kind: to_snake_case(kind) for kind in kinds
    }
    assert kinds >= standard_form.STANDARD


@pytest.mark.parametrize("name", architectures.ARCHITECTURES)
def test_networks_to_train_give_what_keras_gives(name, parts_of):
    network = architectures.parse_architecture(name).build(4, (16, 16, 3), seed=1)
    check_same(network, parts_of(network))


@pytest.mark.parametrize("name", branching_networks.BODIES)
def test_networks_that_branch_give_what_keras_gives(name, parts_of):
    model = branching_networks.build(name, 4)
    check_same(model, parts_of(model))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1 << 31), steps=st.integers(1, 12))
def test_random_graphs_give_what_keras_gives(parts_of, seed, steps):
    model = branching_networks.build_random(np.random.default_rng(seed), steps)
    parts = parts_of(model)
    check_same(model, parts)
    for name, found in numpy_inference.channel_bounds(parts).items():
        assert found.shape == (model.get_layer(name).filters,)


@pytest.mark.parametrize(
    "end",
    [
        [layers.Dense(4, activation="softmax")],
        [layers.Dense(4), layers.Softmax()],
        [layers.Dense(4), layers.Activation("softmax"), layers.Dropout(0.2)],
        [layers.Dense(4, activation="sigmoid")],
        [layers.Reshape((1, 1, 4)), layers.Conv2D(4, 1, activation="softmax"), layers.Flatten()],
        [layers.Dense(4)],
    ],
    ids=["dense", "layer", "activation", "sigmoid", "convolution", "logits"],
)
def test_logits_are_the_scores_before_the_end(end, parts_of):
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(4), *end])
    check_same(model, parts_of(model))


def test_each_step_of_pruning_is_the_network_without_the_channels(trained):
    model, layer = trained.network(), "conv2d_5"
    images = pictures(model, 2)
    order = np.random.default_rng(3).permutation(model.get_layer(layer).filters)
    found = trained.numpy_network().probabilities_while_pruned(images, layer, order)
    assert found.shape == (len(order) + 1, *model(running.scale(images)).shape)
    for step in (1, len(order)):
        pruned = edit.without_channels(model, layer, order[:step])
        check_close(found[step], pruned(running.scale(images), training=False))


@pytest.mark.parametrize("name", ["densenet", "efficientnet", "mobilenet", "resnet"])
def test_a_convolution_of_a_graph_is_pruned_by_setting_its_weights_to_zero(name, parts_of):
    model = branching_networks.build(name, 4)
    parts, images = parts_of(model), pictures(model)
    plain = numpy_inference.load(parts)
    for layer in parts.convolutions():
        convolution = model.get_layer(layer)
        order = np.random.default_rng(3).permutation(convolution.filters)
        found = plain.probabilities_while_pruned(images, layer, order)
        check_close(found[0], plain.probabilities(images))
        half = len(order) // 2
        whole = convolution.get_weights()
        keep = ~np.isin(np.arange(len(order)), order[:half])
        convolution.set_weights([array * keep for array in whole])
        check_close(found[half], model(running.scale(images), training=False), layer)
        convolution.set_weights(whole)


def test_a_pruned_channel_is_what_the_activation_makes_of_zero(parts_of):
    inputs = keras.Input((5, 5, 3))
    values = layers.Conv2D(3, 3, activation="sigmoid", name="first")(inputs)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(values))
    found = numpy_inference.load(parts_of(model)).probabilities_while_pruned(
        pictures(model), "first", np.array([1])
    )
    assert (found[1][:, 1] == 0.5).all()
    assert (found[0][:, 1] != 0.5).all()
    np.testing.assert_array_equal(found[0][:, [0, 2]], found[1][:, [0, 2]])


def test_what_a_pruned_convolution_does_not_change_is_computed_once(parts_of):
    inputs = keras.Input((6, 6, 3))
    left, right = (layers.Conv2D(4, 3, name=name)(inputs) for name in ("left", "right"))
    values = layers.GlobalAveragePooling2D()(layers.Add(name="sum")([left, right]))
    model = keras.Model(inputs, layers.Dense(2, name="scores")(values))
    plain, calls = numpy_inference.load(parts_of(model)), []

    def counted(layer):
        def run(*values):
            calls.append(layer.name)
            return layer.run(*values)

        return dataclasses.replace(layer, run=run)

    plain = dataclasses.replace(plain, layers=tuple(counted(layer) for layer in plain.layers))
    plain.probabilities_while_pruned(pictures(model), "left", np.arange(4))
    assert [calls.count(name) for name in ("left", "right", "sum", "scores")] == [1, 1, 5, 5]


def test_values_are_dropped_once_no_later_layer_needs_them(parts_of):
    inputs = values = keras.Input((64, 64, 1))
    for _ in range(12):
        values = layers.ReLU()(layers.Rescaling(1.5)(values))
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Add()([inputs, values])))
    plain, images = numpy_inference.load(parts_of(model)), pictures(model, 2)
    tracemalloc.start()
    plain.probabilities(images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * images.size * 4  # of 25 layers with float32 outputs of this size


def test_channel_bounds_are_those_of_the_network_in_keras(parts_of):
    for name in branching_networks.BODIES:
        model = branching_networks.build(name, 4)
        found = numpy_inference.channel_bounds(parts_of(model))
        assert list(found) == [
            layer.name for layer in model.layers if isinstance(layer, layers.Conv2D)
        ]
        for prunable in channels.find_prunable_layers(model):
            expected = channels.bounds(model, prunable)
            np.testing.assert_allclose(found[prunable.convolution], expected, rtol=1e-5)


def shared(inputs):
    twice = layers.Conv2D(4, 3, padding="same", name="twice")
    return twice(twice(inputs))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (layers.SeparableConv2D(4, 3, name="parts"), "The layer 'parts' of kind 'SeparableConv2D'"),
        (layers.Conv2D(4, 3, data_format="channels_first", name="first"), "The layer 'first' with"),
        (layers.Activation("glu", name="gated"), "The layer 'gated' with the activation 'glu'"),
        (lambda values: layers.BatchNormalization(name="b")(values, training=True), "'b', which"),
        (shared, "'twice', which is used more than once"),
        (lambda values: [values, layers.Flatten()(values)], "1 inputs and 2 outputs"),
    ],
    ids=["kind", "setting", "activation", "training", "shared", "outputs"],
)
def test_a_network_that_needs_tensorflow_is_refused_by_the_layer_that_does(make, named, parts_of):
    inputs = keras.Input((8, 8, 4))
    parts = parts_of(keras.Model(inputs, make(inputs)))
    with pytest.raises(numpy_inference.Unsupported, match=named):
        numpy_inference.load(parts)


def test_layers_and_weights_that_do_not_fit_are_refused_in_a_sentence(parts_of):
    whole = parts_of(branching_networks.build("resnet", 4))
    described = whole.config["config"]

    def changed(**config):
        return {**whole.config, "config": {**described, **config}}

    backwards = changed(layers=described["layers"][::-1])
    doubled = changed(layers=[*described["layers"], described["layers"][1]])
    for config, arrays in (
        (whole.config, {}),
        (backwards, whole.weights),
        (doubled, whole.weights),
        (changed(output_layers=[["elsewhere", 0, 0]]), whole.weights),
    ):
        with pytest.raises(UserError, match="do not fit together"):
            numpy_inference.load(Parts(config, arrays))


def test_a_damaged_file_is_refused_in_a_sentence(tmp_path, trained):
    content = (trained.folder / "model.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="not a whole"):
        loaded(tmp_path / "half.keras")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(name, "{}")
    with pytest.raises(UserError):
        loaded(tmp_path / "empty.keras")


def test_an_unknown_layer_or_one_without_channels_is_reported(trained, dataset):
    plain, images = trained.numpy_network(), dataset.test.images[:2]
    with pytest.raises(UserError, match="no layer 'nothing'"):
        plain.outputs(images, ["nothing"])
    with pytest.raises(UserError, match="'dense' has no channels to prune"):
        plain.probabilities_while_pruned(images, "dense", np.arange(3))


def test_channels_that_a_convolution_does_not_have_are_refused(trained, dataset):
    images, plain, network = dataset.test.images[:2], trained.numpy_network(), trained.network()
    for beyond in (np.array([0, 128]), np.array([-1])):
        with pytest.raises(UserError, match="has 128 channels, but a table beside the model names"):
            plain.probabilities_while_pruned(images, "conv2d_5", beyond)
        with pytest.raises(UserError, match="has 128 channels, but a table beside the model names"):
            edit.without_channels(network, "conv2d_5", beyond)
