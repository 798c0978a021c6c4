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
