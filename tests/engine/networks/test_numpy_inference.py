"""The network without TensorFlow says what Keras says."""

import zipfile

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.networks import edit, numpy_inference, running, untrusted


def loaded(path):
    return numpy_inference.load(untrusted.own_parts(path, path.name))


@pytest.fixture(scope="module")
def images(dataset):
    return dataset.test.images[:12]


def test_probabilities_and_every_layers_output_are_kerass(trained, images):
    keras_network = trained.network()
    plain = trained.numpy_network()
    expected = keras_network(running.scale(images), training=False)
    np.testing.assert_allclose(plain.probabilities(images), expected, atol=2e-5)
    names = [layer.name for layer in keras_network.layers if len(layer.output.shape) == 4]
    names = [name for name in names if "dropout" not in name]
    watched = running.intermediate_outputs(keras_network, names)(
        running.scale(images), training=False
    )
    for name, found in plain.outputs(images, names).items():
        np.testing.assert_allclose(found, watched[name], atol=2e-4, err_msg=name)


@pytest.mark.parametrize("layer", ["conv2d_5", "conv2d_2"])
def test_each_step_of_pruning_is_the_network_whose_kernel_and_bias_are_zeroed(
    trained, images, layer
):
    plain = trained.numpy_network()
    keras_network = trained.network()
    count = keras_network.get_layer(layer).filters
    channels = np.random.default_rng(3).permutation(count)
    found = plain.probabilities_while_pruned(images, layer, channels)
    assert found.shape == (count + 1, len(images), 6)
    for step in (0, 1, count // 2, count):
        pruned = edit.without_channels(trained.network(), layer, channels[:step])
        expected = pruned(running.scale(images), training=False)
        np.testing.assert_allclose(found[step], expected, atol=2e-5)


def other_network():
    """Strides, odd sizes, every other kind of layer, as a functional model."""
    import keras
    from keras import layers

    inputs = values = keras.Input((19, 19, 3))
    for layer in (
        layers.Conv2D(5, 3, strides=2, padding="same", use_bias=False, activation="relu"),
        layers.BatchNormalization(scale=False),
        layers.LeakyReLU(0.2),
        layers.Conv2D(6, (2, 3), padding="valid"),
        layers.AveragePooling2D(2),
        layers.Activation("sigmoid"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax"),
    ):
        values = layer(values)
    return keras.Model(inputs, values)


def test_layers_beyond_the_papers_network(tmp_path):
    keras_network = other_network()
    keras_network.save(tmp_path / "other.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 19, 19, 3), dtype=np.uint8)
    found = loaded(tmp_path / "other.keras").probabilities(images)
    np.testing.assert_allclose(found, keras_network(running.scale(images)), atol=1e-5)


def test_a_branching_network_and_a_damaged_file_are_refused_in_a_sentence(tmp_path, trained):
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 3))
    values = layers.Conv2D(3, 3, padding="same")(inputs)
    keras.Model(inputs, layers.Add()([inputs, values])).save(tmp_path / "branches.keras")
    with pytest.raises(UserError, match="layers branch"):
        loaded(tmp_path / "branches.keras")
    whole = (trained.folder / "model.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"not a whole \.keras file"):
        loaded(tmp_path / "half.keras")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(name, "{}")
    with pytest.raises(UserError):
        loaded(tmp_path / "empty.keras")


def test_an_unknown_layer_or_one_without_channels_is_reported(trained, images):
    plain = trained.numpy_network()
    with pytest.raises(UserError, match="no layer 'nothing'"):
        plain.outputs(images, ["nothing"])
    with pytest.raises(UserError, match="not a convolution"):
        plain.probabilities_while_pruned(images, "dense", np.arange(3))


def test_channels_that_a_convolution_does_not_have_are_refused(trained, images):
    for beyond in (np.array([0, 128]), np.array([-1])):
        with pytest.raises(UserError, match="has 128 channels, but a table beside the model names"):
            trained.numpy_network().probabilities_while_pruned(images, "conv2d_5", beyond)
        with pytest.raises(UserError, match="has 128 channels, but a table beside the model names"):
            edit.without_channels(trained.network(), "conv2d_5", beyond)
