"""Every step of a pruning curve predicts what the pruned network itself predicts."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from engine.core.errors import UserError
from engine.networks import edit, running, split
from engine.networks.tails import LinearTail, NetworkTail
from tests.fixtures.small_networks import NETWORKS, SHAPE, built

IMAGES = np.random.default_rng(0).integers(0, 256, (40, *SHAPE), np.uint8)


network_named = functools.cache(built)


@pytest.fixture(autouse=True)
def eagerly():
    """Each function runs a few times here; compiling it takes longer."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def assert_curve_is_exact(model: keras.Model, layer: str, tail: type | None = None) -> None:
    block = split.cut(model, layer)
    order = np.random.default_rng(1).permutation(block.channels)
    features, sums = block.features(running.scale(IMAGES))
    assert len(features) == len(IMAGES)
    assert sums.shape == (2, block.channels)
    quick = block.tail.predict_while_pruned(features, order)
    convolution = model.get_layer(layer)
    untouched = convolution.get_weights()
    for step in (0, 1, block.channels // 2, block.channels):
        pruned = np.isin(np.arange(block.channels), order[:step])
        convolution.set_weights([np.where(pruned, 0, values) for values in untouched])
        expected = np.asarray(model(running.scale(IMAGES))).argmax(axis=1)
        np.testing.assert_array_equal(quick[step], expected, err_msg=f"{layer}, step {step}")
    convolution.set_weights(untouched)
    if tail is not None:
        assert isinstance(block.tail, tail)


def convolutions() -> list[tuple[str, str]]:
    return [
        (name, layer.name)
        for name in NETWORKS
        for layer in network_named(name).layers
        if isinstance(layer, layers.Conv2D)
    ]


@pytest.mark.parametrize(("name", "layer"), convolutions())
def test_a_curve_equals_plain_evaluation_at_every_convolution(name, layer):
    assert_curve_is_exact(network_named(name), layer)


def ending(*end: keras.Layer, joined: bool = False) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    first = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(inputs)
    values = layers.Conv2D(4, 3, padding="same", activation="sigmoid", name="conv")(first)
    if joined:
        values = layers.Add()([values, first])
    for layer in end:
        values = layer(values)
    return keras.Model(inputs, values)


def shifted(**settings) -> keras.Layer:
    return layers.BatchNormalization(
        moving_mean_initializer=keras.initializers.RandomUniform(-1, 1, seed=1), **settings
    )


LINEAR = {
    "Flatten": lambda: (layers.Flatten(), layers.Dense(3, "softmax")),
    "global pooling": lambda: (layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")),
    "pooling of unequal parts": lambda: (
        layers.AveragePooling2D(3, padding="same"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, "softmax"),
    ),
    "separate softmax": lambda: (
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(3),
        layers.Softmax(),
    ),
    "padding, reshaping, another dense layer": lambda: (
        layers.ZeroPadding2D(1),
        layers.Permute((3, 1, 2)),
        layers.Reshape((400,)),
        shifted(),
        layers.Dense(5),
        layers.Dense(3),
    ),
    "BatchNorm without scale and offset": lambda: (
        shifted(scale=False, center=False),
        layers.Flatten(),
        layers.Dense(3, "softmax"),
    ),
    "activation and largest value": lambda: (
        shifted(),
        layers.ReLU(),
        layers.GlobalMaxPooling2D(),
        layers.Dense(3, "softmax"),
    ),
    "convolution": lambda: (
        layers.Conv2D(3, 3, strides=2),
        layers.GlobalAveragePooling2D(),
        layers.Activation("softmax"),
    ),
}


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("end", LINEAR)
def test_a_curve_costs_one_pass_where_what_follows_is_linear(end, joined):
    assert_curve_is_exact(ending(*LINEAR[end](), joined=joined), "conv", LinearTail)


@pytest.mark.parametrize(
    ("name", "layer"),
    [("preactivation", "conv2b"), ("preactivation", "shortcut"), ("dense_block", "conv2")],
)
def test_so_it_does_where_channels_stay_apart_beyond_a_join(name, layer):
    assert isinstance(split.cut(network_named(name), layer).tail, LinearTail)


OTHER = {
    "two dense layers": lambda: (layers.Flatten(), layers.Dense(5, "relu"), layers.Dense(3)),
    "several sigmoids": lambda: (layers.Flatten(), layers.PReLU(), layers.Dense(3, "sigmoid")),
    "average of probabilities": lambda: (
        layers.Conv2D(3, 1, activation="softmax"),
        layers.GlobalAveragePooling2D(),
    ),
}


@pytest.mark.parametrize("end", OTHER)
def test_other_ends_run_again_at_each_step(end):
    assert_curve_is_exact(ending(*OTHER[end](), joined=True), "conv", NetworkTail)


def test_a_block_ends_where_the_network_branches_or_joins():
    network = network_named("preactivation")
    assert split.block_of(network, "stem") == ["stem"]
    assert split.block_of(network, "conv1a") == ["conv1a", "norm1b", "relu1b"]
    assert split.block_of(network, "conv1b") == ["conv1b"]
    chain = ["conv1", "conv1_norm", "conv1_relu", "conv1_pool"]
    assert split.block_of(network_named("vgg"), "conv1") == chain


def test_convolutions_that_cannot_be_pruned_are_refused_in_one_sentence():
    mixing = ending(layers.Conv2D(4, 3, activation="softmax", name="odd"), layers.Flatten())
    classes = ending(layers.Conv2D(3, 1, name="odd"), layers.GlobalAveragePooling2D())
    frozen = ending(layers.Conv2D(4, 3, trainable=False, name="odd"), layers.Flatten())
    for network, reason in ((mixing, "mixes"), (classes, "the classes"), (frozen, "frozen")):
        for refuse in (split.cut, split.block_of):
            with pytest.raises(UserError, match=reason) as refused:
                refuse(network, "odd")
            assert str(refused.value).count(".") == 1
        with pytest.raises(UserError, match=reason):
            edit.without_channels(network, "odd", np.array([0]))
