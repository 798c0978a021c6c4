"""Where channels can be switched off, in networks of several shapes."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from engine.core.errors import UserError
from engine.networks import channels, edit, numpy_inference
from tests.fixtures.small_networks import NETWORKS, built


def images(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).random((count, 8, 8, 3), np.float32)


def normal(name: str) -> layers.BatchNormalization:
    return layers.BatchNormalization(
        gamma_initializer=keras.initializers.RandomUniform(0.5, 2, seed=1),
        beta_initializer=keras.initializers.RandomUniform(-1, 1, seed=2),
        name=name,
    )


def behind_activation() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(5, 3, padding="same", name="conv"),
            layers.Activation("elu", name="act"),
            normal("norm"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def before_activation() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    values = normal("norm")(layers.Conv2D(5, 3, use_bias=False, name="conv")(inputs))
    values = layers.ReLU()(values)
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.Flatten()(values)))


def without_norm() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    values = layers.Conv2D(5, 3, activation="relu", bias_initializer="ones", name="conv")(inputs)
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.Flatten()(values)))


def residual() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    first = normal("norm")(layers.Conv2D(5, 3, padding="same", name="conv")(inputs))
    second = layers.Conv2D(5, 3, padding="same", name="conv_1")(layers.ReLU()(first))
    joined = layers.Add(name="join")([first, second])
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.Flatten()(joined)))


SHAPES = {
    "BatchNorm behind the activation": (behind_activation, "norm"),
    "BatchNorm before the activation": (before_activation, "norm"),
    "no BatchNorm": (without_norm, "conv"),
    "a residual connection": (residual, "norm"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_silenced_channel_gives_zero_and_the_others_what_they_gave(shape):
    build, holder = SHAPES[shape]
    model = build()
    prunable = channels.find_prunable_layers(model)[0]
    assert (prunable.convolution, prunable.holder, prunable.channels) == ("conv", holder, 5)
    behind = keras.Model(model.inputs[0], model.get_layer(holder).output)
    untouched = np.asarray(behind(images()))
    silent = edit.clone_network(model)
    edit.silence(silent, {prunable: [1, 3]})
    found = np.asarray(keras.Model(silent.inputs[0], silent.get_layer(holder).output)(images()))
    assert not found[..., [1, 3]].any()
    np.testing.assert_array_equal(found[..., [0, 2, 4]], untouched[..., [0, 2, 4]])
    np.testing.assert_array_equal(np.asarray(behind(images())), untouched)  # left as it was


def test_a_shared_layer_is_refused_in_one_sentence():
    inputs = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="twice")
    model = keras.Model(inputs, layers.Flatten()(shared(shared(inputs))))
    with pytest.raises(UserError, match="used more than once"):
        channels.find_prunable_layers(model)


def test_a_convolution_whose_activation_is_not_zero_at_zero_is_refused():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.Conv2D(3, 3, activation="sigmoid", name="odd")(inputs))
    with pytest.raises(UserError, match="not 0 at 0"):
        channels.find_prunable_layers(model)


def test_a_network_without_convolutions_is_refused():
    inputs = keras.Input((8, 8, 3))
    with pytest.raises(UserError, match="no convolution"):
        channels.find_prunable_layers(keras.Model(inputs, layers.Flatten()(inputs)))


def joined(**settings) -> keras.Model:
    """Two branches: one as usual, the other with settings for its BatchNorm."""
    inputs = keras.Input((8, 8, 3))
    left = normal("norm")(layers.Conv2D(4, 3, name="left")(inputs))
    right = layers.Conv2D(4, 3, name="right", trainable=settings.pop("trained", True))(inputs)
    right = layers.BatchNormalization(name="odd", **settings)(right)
    values = layers.Flatten()(layers.Add()([left, right]))
    return keras.Model(inputs, layers.Dense(3, "softmax")(values))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"scale": False}, "lacks scale"),
        ({"center": False}, "lacks scale or offset"),
        ({"trainable": False}, "frozen"),
        ({"trained": False}, "frozen"),
    ],
)
def test_what_cannot_be_switched_off_is_skipped_among_others_and_refused_by_name(settings, reason):
    model = joined(**settings)
    assert [each.convolution for each in channels.find_prunable_layers(model)] == ["left"]
    assert channels.prunable_layer(model, "left").holder == "norm"
    (skipped,) = channels.skipped_layers(model).items()
    assert skipped[0] == "right"
    assert reason in skipped[1]
    with pytest.raises(UserError, match=reason) as refused:
        channels.prunable_layer(model, "right")
    assert str(refused.value).count(".") == 1


def test_the_last_convolution_to_prune_is_none_whose_channels_are_the_classes():
    inputs = keras.Input((8, 8, 3))
    values = layers.Conv2D(4, 3, activation="relu", name="last")(inputs)
    values = layers.Conv2D(3, 1, name="classes")(values)
    values = layers.Activation("softmax")(layers.GlobalAveragePooling2D()(values))
    model = keras.Model(inputs, values)
    assert channels.last_convolution(model) == "last"
    assert "are the classes" in channels.skipped_layers(model)["classes"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_copy_has_the_same_layers_weights_and_frozen_ones(name):
    model = built(name)
    copy = edit.clone_network(model)
    assert copy.name == model.name
    for layer, own in zip(model.layers, copy.layers, strict=True):
        assert (own.name, own.trainable) == (layer.name, layer.trainable)
        assert own is not layer
        for before, after in zip(layer.get_weights(), own.get_weights(), strict=True):
            np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(copy(images()), model(images()))


@given(st.integers(0, 10_000))
def test_no_change_of_a_patch_is_amplified_beyond_the_bound(seed):
    rng = np.random.default_rng(seed)
    kernel, factor = rng.normal(size=(3, 3, 4, 6)), rng.normal(size=6)
    bounds = channels.channel_bounds(kernel, factor)
    # Each input channel's 3x3 patch changes alike up to a number: what the singular value bounds.
    patch, mixture = rng.normal(size=(3, 3)), rng.normal(size=4)
    change = patch[..., np.newaxis] * mixture
    answer = np.abs(np.tensordot(change, kernel, axes=3) * factor)
    assert np.all(answer <= bounds * np.linalg.norm(patch) * np.linalg.norm(mixture) + 1e-9)


def test_bounds_from_the_file_are_those_of_the_network(trained):
    network = trained.network()
    found = numpy_inference.channel_bounds(trained.parts())
    for prunable in channels.find_prunable_layers(network):
        np.testing.assert_allclose(
            found[prunable.convolution], channels.bounds(network, prunable), rtol=1e-5
        )
