import keras
import numpy as np
import pytest
import tensorflow as tf

from engine.networks import architectures
from engine.networks.architectures import ARCHITECTURES, parse_architecture
from engine.training.forward_pass import fast_forward_pass
from engine.training.training_config import TrainingConfig
from engine.training.training_steps import build_optimizer, compile_steps


def images(count: int = 16) -> np.ndarray:
    return np.random.default_rng(0).random((count, 32, 32, 3), dtype=np.float32)


def without_dropout(network: keras.Model) -> keras.Model:
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return network


def gradients(network: keras.Model) -> tuple[np.ndarray, list[np.ndarray]]:
    """The probabilities in training mode, and the gradient of a loss at every weight."""
    labels = tf.one_hot(np.arange(16) % 10, 10)
    with tf.GradientTape() as tape:
        probabilities = network(images(), training=True)
        loss = -tf.reduce_mean(tf.reduce_sum(labels * tf.math.log(probabilities), axis=1))
    found = tape.gradient(loss, network.trainable_variables)
    return probabilities.numpy(), [each.numpy() for each in found]


def layer_results(fused: bool) -> list[np.ndarray]:
    """Output, gradients and moving averages of a normalization whose channels differ much."""
    layer = keras.layers.BatchNormalization()
    network = keras.Sequential([keras.Input((5, 7, 3)), layer, keras.layers.ReLU()])
    layer.gamma.assign([0.5, -1.0, 2.0])
    layer.beta.assign([0.1, 0.2, -0.3])
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal([0, 5, -2], [1, 0.1, 7], (6, 5, 7, 3)), tf.float32)
    slope = tf.constant(rng.normal(size=(6, 5, 7, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        if fused:
            with fast_forward_pass(network, "float32"):
                outputs = network(inputs, training=True)
        else:
            outputs = network(inputs, training=True)
        loss = tf.reduce_sum(outputs * slope)
    found = tape.gradient(loss, [inputs, *network.trainable_variables])
    return [np.asarray(each) for each in (outputs, *found, *network.non_trainable_variables)]


def test_a_fused_normalization_computes_what_keras_computes():
    for ours, theirs in zip(layer_results(fused=True), layer_results(fused=False), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_gives_the_same_probabilities_and_averages(name):
    plain = without_dropout(parse_architecture(name).build(10, (32, 32, 3), 0))
    fused = without_dropout(parse_architecture(name).build(10, (32, 32, 3), 0))
    expected, _ = gradients(plain)
    with fast_forward_pass(fused, "float32"):
        found, _ = gradients(fused)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    for ours, theirs in zip(fused.weights, plain.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-3, atol=1e-5)


def test_bfloat16_stays_close_to_float32_and_keeps_averages_and_gradients_in_float32():
    plain = without_dropout(architectures.paper_network(10))
    lower = without_dropout(architectures.paper_network(10))
    expected, slopes = gradients(plain)
    with fast_forward_pass(lower, "bfloat16"):
        found, lower_slopes = gradients(lower)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert not np.array_equal(found, expected)
    for ours, theirs in zip(lower_slopes, slopes, strict=True):
        assert ours.dtype == np.float32
        cosine = (ours * theirs).sum() / np.linalg.norm(ours) / np.linalg.norm(theirs)
        assert cosine > 0.7 or np.linalg.norm(theirs) < 1e-4
    for ours, theirs in zip(lower.weights, plain.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0.01, atol=0.001)


def test_nothing_before_the_first_weights_or_after_the_last_computes_in_bfloat16():
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(2.0),
            layers.Conv2D(4, 3),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(10),
            layers.Softmax(),
        ]
    )
    with fast_forward_pass(network, "bfloat16"):
        lowered = [layer.name for layer in network.layers if layer.compute_dtype == "bfloat16"]
    assert lowered == [network.layers[2].name, network.layers[3].name]
    flat = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(10)])
    with fast_forward_pass(flat, "bfloat16"):
        assert {layer.compute_dtype for layer in flat.layers} == {"float32"}


def test_outside_the_block_a_network_is_as_it_was():
    network = architectures.paper_network(10)
    config, before = network.to_json(), network(images()).numpy()
    with pytest.raises(ZeroDivisionError), fast_forward_pass(network, "bfloat16"):
        raise ZeroDivisionError
    assert network.to_json() == config
    np.testing.assert_array_equal(network(images()).numpy(), before)


def test_frozen_layers_keep_their_averages():
    network = architectures.paper_network(10)
    network.trainable = False
    before = [weight.numpy() for weight in network.weights]
    with fast_forward_pass(network, "float32"):
        network(images(), training=True)
    for weight, value in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_steps_in_bfloat16_train_a_network_that_stays_float32():
    network = architectures.paper_network(10)
    before = network.to_json()
    config = TrainingConfig(epochs=1, batch=8, learning_rate=1e-3, precision="bfloat16")
    steps = compile_steps(network, build_optimizer(network, config, 64), config.precision)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 8, 32, 32, 3), dtype=np.uint8)
    labels = (pictures.mean(axis=(2, 3, 4)) > 127.5).astype(np.int64)
    first = steps(pictures, labels)[0]
    for _ in range(5):
        last = steps(pictures, labels)[0]
    assert last < first
    assert {str(weight.dtype) for weight in network.weights} == {"float32"}
    assert network.to_json() == before
