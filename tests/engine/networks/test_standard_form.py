"""Networks of many shapes rewritten into the standard form."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keras
import numpy as np
import pytest
from keras import layers

from engine.core.errors import UserError
from engine.networks.standard_form import STANDARD, standardize

SIDE, CLASSES = 12, 4
IMAGES = np.random.default_rng(0).random((5, SIDE, SIDE, 3), np.float32)


@pytest.fixture(autouse=True)
def full_precision() -> Iterator[None]:
    yield
    keras.mixed_precision.set_global_policy("float32")


def nested() -> keras.Model:
    base = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()],
        name="base",
    )
    base.trainable = False
    head = keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)], name="head")
    inputs = keras.Input((SIDE, SIDE, 3))
    return keras.Model(inputs, layers.Softmax()(head(base(inputs, training=False))))


def preprocessing() -> keras.Model:
    normalization = layers.Normalization()
    normalization.adapt(IMAGES)
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.RandomFlip(),
            layers.RandomRotation(0.1),
            layers.Rescaling(2.0, -1.0),
            normalization,
            layers.Flatten(),
            layers.Dense(CLASSES, "softmax"),
        ]
    )


def shared_activation() -> keras.Model:
    inputs, relu = keras.Input((SIDE, SIDE, 3)), layers.ReLU(6.0)
    first = relu(layers.Conv2D(4, 3, padding="same")(inputs))
    second = relu(layers.Conv2D(4, 3, padding="same")(first))
    joined = layers.Add()([first, second])
    return keras.Model(inputs, layers.Dense(CLASSES)(layers.GlobalMaxPooling2D()(joined)))


def separable() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.SeparableConv2D(5, 3, 2, "same", depth_multiplier=2, activation="silu"),
            layers.PReLU(shared_axes=[1, 2]),
            layers.Flatten(),
            layers.Dense(CLASSES, "softmax"),
        ]
    )


def strided_shortcut() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((SIDE - 1, SIDE - 1, 3)),
            layers.Conv2D(5, 1, strides=(2, 3), padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES),
        ]
    )


def fully_convolutional() -> keras.Model:
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(CLASSES, SIDE)])


def mixed_precision() -> keras.Model:
    keras.mixed_precision.set_global_policy("mixed_float16")
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(4, 3),
            layers.Flatten(),
            layers.Dense(CLASSES, "softmax", dtype="float32"),
        ]
    )


NETWORKS: list[Callable[[], keras.Model]] = [
    nested,
    preprocessing,
    shared_activation,
    separable,
    strided_shortcut,
    fully_convolutional,
    mixed_precision,
]


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_the_standard_form_computes_the_same_in_float32(build: Callable[[], keras.Model]) -> None:
    model = build()
    tolerance = 5e-3 if build is mixed_precision else 1e-5

    network = standardize(model).network

    images = IMAGES[:, : model.input_shape[1], : model.input_shape[2]]
    expected = np.asarray(model(images, training=False)).reshape(len(images), -1)
    np.testing.assert_allclose(
        np.asarray(network(images, training=False)), expected, atol=tolerance
    )
    assert {type(layer).__name__ for layer in network.layers[1:]} <= STANDARD
    assert {layer.compute_dtype for layer in network.layers[1:]} == {"float32"}
    assert all(layer.trainable for layer in network.layers)


def test_layers_that_do_nothing_at_inference_are_left_out_and_named() -> None:
    left_out = standardize(preprocessing()).left_out

    assert len(left_out) == 2
    assert left_out[0].startswith("random_flip")


def test_names_stay_and_become_unique() -> None:
    names = [layer.name for layer in standardize(shared_activation()).network.layers]

    assert len(set(names)) == len(names)


class Doubled(layers.Layer):
    """A layer from outside Keras."""

    def call(self, values: object) -> object:
        return values


def several_outputs() -> keras.Model:
    inputs = keras.Input((SIDE, SIDE, 3))
    flat = layers.Flatten()(inputs)
    return keras.Model(inputs, [layers.Dense(4, name="a")(flat), layers.Dense(4, name="b")(flat)])


def several_inputs() -> keras.Model:
    first, second = keras.Input((SIDE, SIDE, 3)), keras.Input((SIDE, SIDE, 3))
    return keras.Model([first, second], layers.Flatten()(layers.Add()([first, second])))


def any_size() -> keras.Model:
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(inputs))


def weights_used_twice() -> keras.Model:
    inputs, shared = keras.Input((SIDE, SIDE, 3)), layers.Conv2D(3, 3, padding="same")
    return keras.Model(inputs, layers.Flatten()(shared(shared(inputs))))


def foreign_layer() -> keras.Model:
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), Doubled(), layers.Flatten()])


def picture_out() -> keras.Model:
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(4, 3)])


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (several_outputs, r"2 outputs \(a, b\)"),
        (several_inputs, "2 inputs"),
        (any_size, "fixed size"),
        (weights_used_twice, "more than once"),
        (foreign_layer, "Doubled"),
        (picture_out, "one score for each class"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_what_cannot_be_standardized_is_refused_by_name(
    build: Callable[[], keras.Model], named: str
) -> None:
    with pytest.raises(UserError, match=named):
        standardize(build())
