import math

import keras
import numpy as np
import pytest

from engine.core.errors import UserError
from engine.defenses import activations
from engine.networks import running


def test_every_layer_measures_what_a_plain_computation_gives(trained, dataset):
    network, images = trained.network(), dataset.test.images[:100]
    layers = activations.channel_layers(network)
    assert len(layers) == 15  # six convolutions, six activations, three poolings
    found = activations.measure(network, layers, images)
    values = running.scale(images)
    for layer in network.layers:
        values = np.asarray(layer(values, training=False))
        if layer.name in layers:
            stats = found[layer.name]
            mean = values.mean(axis=(0, 1, 2), dtype=np.float64)
            np.testing.assert_allclose(stats.mean, mean, atol=1e-4)
            np.testing.assert_allclose(stats.positive, (values > 0).mean(axis=(0, 1, 2)), atol=1e-3)


def test_a_branching_model_is_measured_too():
    inputs = keras.Input((16, 16, 3))
    left = keras.layers.Conv2D(4, 3, name="left")(inputs)
    right = keras.layers.Conv2D(4, 3, name="right")(inputs)
    outputs = keras.layers.Flatten()(keras.layers.Add()([left, right]))
    model = keras.Model(inputs, outputs)
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    found = activations.measure(model, ["left", "right"], images)
    expected = np.asarray(model.get_layer("right")(running.scale(images)))
    np.testing.assert_allclose(found["right"].mean, expected.mean(axis=(0, 1, 2)), atol=1e-5)


def test_an_unknown_layer_is_refused_with_the_names_there_are(trained):
    with pytest.raises(UserError, match=r"no layer 'dense'.*max_pooling2d_2"):
        activations.measure(trained.network(), ["dense"], np.zeros((1, 32, 32, 3), np.uint8))


def test_the_distance_of_each_layer_equals_a_plain_loop():
    random = np.random.default_rng(3)
    outputs = {
        "maps": random.normal(size=(2, 4, 5, 3)).astype(np.float32),
        "units": random.normal(size=(2, 7)).astype(np.float32),
    }
    found = activations.distance_by_layer(outputs)
    assert found["layer"].tolist() == ["maps", "units"]
    for values, distance in zip(outputs.values(), found["distance"], strict=True):
        product = first = second = 0.0
        for clean, triggered in zip(*(part.ravel().tolist() for part in values), strict=True):
            product += clean * triggered
            first += clean * clean
            second += triggered * triggered
        assert distance == pytest.approx(1 - product / math.sqrt(first * second), abs=1e-12)


def test_distances_of_equal_opposite_and_empty_signals():
    some, none = np.array([3.0, -4.0]), np.zeros(2)
    assert activations.cosine_distance(some, 2 * some) == pytest.approx(0, abs=1e-12)
    assert activations.cosine_distance(some, -some) == pytest.approx(2)
    assert activations.cosine_distance(none, none) == 0
    assert activations.cosine_distance(some, none) == activations.cosine_distance(none, some) == 1


def test_the_distance_of_a_networks_layers_does_not_depend_on_the_runtime(trained, dataset):
    images = dataset.test.images[:2]
    layers = ["conv2d", "max_pooling2d_2", "dense"]
    found = activations.distance_by_layer(trained.numpy_network().outputs(images, layers))
    watched = running.intermediate_outputs(trained.network(), layers)(running.scale(images))
    expected = activations.distance_by_layer({name: np.asarray(watched[name]) for name in layers})
    np.testing.assert_allclose(found["distance"], expected["distance"], atol=1e-5)


def test_channels_are_ranked_by_the_change_of_their_maps():
    outputs = np.zeros((2, 2, 2, 4), np.float32)
    outputs[1, 0, 0, 1] = -3  # one strong change: root mean square 1.5
    outputs[1, ..., 3] = 2  # a change everywhere: 2
    outputs[:, ..., 2] = 9  # strong, but the same on both images
    assert activations.rank_changed_channels(outputs).tolist() == [3, 1, 0, 2]
