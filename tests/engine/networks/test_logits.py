"""Scores before the final softmax, on the weights of the network itself."""

import keras
import numpy as np
import pytest
from keras import layers

from engine.core.errors import UserError
from engine.networks.logits import logits_network, read_out


def images(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).random((count, 8, 8, 3), np.float32)


def ending(*end: keras.Layer, sequential: bool = False) -> keras.Model:
    keras.utils.set_random_seed(0)
    chain = [layers.Conv2D(4, 3, activation="relu", name="conv"), *end]
    if sequential:
        return keras.Sequential([keras.Input((8, 8, 3)), *chain])
    values = inputs = keras.Input((8, 8, 3))
    for layer in chain:
        values = layer(values)
    return keras.Model(inputs, values)


ENDS = {
    "dense": lambda: (layers.Flatten(), layers.Dense(3, "softmax")),
    "without a bias": lambda: (layers.Flatten(), layers.Dense(3, "softmax", use_bias=False)),
    "layer of its own": lambda: (layers.Flatten(), layers.Dense(3), layers.Activation("softmax")),
    "Softmax": lambda: (layers.GlobalAveragePooling2D(), layers.Dense(3), layers.Softmax()),
    "convolution, flattened": lambda: (
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Conv2D(3, 1, activation="softmax"),
        layers.Dropout(0.5),
        layers.Flatten(),
    ),
}


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("end", ENDS)
def test_the_softmax_of_the_logits_is_what_the_network_gives(end, sequential):
    model = ending(*ENDS[end](), sequential=sequential)
    logits = logits_network(model)
    found = np.asarray(logits(images()))
    np.testing.assert_allclose(keras.ops.softmax(found), model(images()), atol=1e-6)
    assert not np.allclose(found.sum(axis=1), 1)
    ours = [id(variable) for variable in logits.trainable_variables]
    assert ours == [id(variable) for variable in model.trainable_variables]


def test_logits_follow_the_weights_of_the_network():
    model = ending(layers.Flatten(), layers.Dense(3, "softmax"))
    logits = logits_network(model)
    model.layers[-1].set_weights([np.zeros((144, 3)), np.array([1.0, 2.0, 3.0])])
    np.testing.assert_allclose(logits(images()), np.tile([1.0, 2.0, 3.0], (4, 1)))


def test_a_sigmoid_for_each_class_keeps_its_order():
    model = ending(layers.Flatten(), layers.Dense(3, "sigmoid"))
    found = np.asarray(logits_network(model)(images()))
    np.testing.assert_allclose(keras.ops.sigmoid(found), model(images()), atol=1e-6)


def test_a_network_without_a_final_softmax_gives_logits_already():
    model = ending(layers.Flatten(), layers.Dense(3))
    assert logits_network(model) is model


def test_an_average_of_probabilities_is_refused_in_one_sentence():
    model = ending(layers.Conv2D(3, 1, activation="softmax"), layers.GlobalAveragePooling2D())
    with pytest.raises(UserError, match="averages probabilities") as refused:
        logits_network(model)
    assert str(refused.value).count(".") == 1


def test_the_read_out_is_the_dense_layer_before_the_softmax():
    for end in ("dense", "layer of its own", "Softmax"):
        model = ending(*ENDS[end]())
        dense, before = read_out(model)
        found = np.asarray(before(images())) @ np.asarray(dense.kernel) + np.asarray(dense.bias)
        np.testing.assert_allclose(found, logits_network(model)(images()), atol=1e-5)
    with pytest.raises(UserError, match="not from a dense layer"):
        read_out(ending(*ENDS["convolution, flattened"]()))
