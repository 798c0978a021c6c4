"""A network written as an ONNX file computes the same in onnxruntime, and when it is read again."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers

from engine.core.errors import UserError
from engine.networks import architectures, untrusted
from engine.networks.onnx_files.reading import read_onnx
from engine.networks.onnx_files.writing import write_onnx
from tests.fixtures import branching_networks


def check_equal(network, file, channels_first: bool = True, source=None):
    """Write `source` (or `network` itself), compare it with `network`, and return the session."""
    write_onnx(source or network, file, channels_first)
    onnx.checker.check_model(onnx.load(file), full_check=True)
    images = np.random.default_rng(0).random((2, *network.input_shape[1:]), np.float32)
    scores = network(images, training=False)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    given = images.transpose(0, 3, 1, 2) if channels_first else images
    found = session.run(None, {"images": given})[0]
    np.testing.assert_allclose(found, scores, atol=1e-4, rtol=1e-4)
    read = read_onnx(file)
    assert read.channels_first == channels_first
    np.testing.assert_allclose(read.network(images, training=False), scores, atol=1e-4, rtol=1e-4)
    return session


def ends(session) -> list[tuple[str, list]]:
    return [(end.name, end.shape) for end in (*session.get_inputs(), *session.get_outputs())]


@pytest.mark.parametrize("name", branching_networks.BODIES)
def test_every_architecture(name, tmp_path):
    session = check_equal(branching_networks.build(name, 5), tmp_path / "network.onnx")
    assert ends(session) == [("images", ["N", 3, 16, 16]), ("probabilities", ["N", 5])]


def test_the_papers_network_with_channels_last(tmp_path):
    network = branching_networks.set_random_weights(architectures.paper_network(5, (9, 11, 3)))
    session = check_equal(network, tmp_path / "network.onnx", channels_first=False)
    assert ends(session) == [("images", ["N", 9, 11, 3]), ("probabilities", ["N", 5])]


@pytest.mark.parametrize("seed", range(4))
def test_random_networks(seed, tmp_path):
    network = branching_networks.build_random(np.random.default_rng(seed), 6)
    check_equal(network, tmp_path / "network.onnx", channels_first=bool(seed % 2))


def test_a_network_in_parts_needs_no_tensorflow(tmp_path):
    network = branching_networks.build("mobilenet", 5)
    network.save(tmp_path / "network.keras")
    parts = untrusted.own_parts(tmp_path / "network.keras", "network.keras")
    check_equal(network, tmp_path / "network.onnx", source=parts)


def every_other_layer():
    """Layers and settings that the other networks do not have."""
    images = keras.Input((9, 8, 3))
    values = layers.Dense(3, use_bias=False)(layers.Rescaling([1.0, 2, 3], [0.1, 0, -1])(images))
    for layer in (
        layers.Cropping2D(((1, 0), (0, 2))),
        layers.ReLU(max_value=0.8, negative_slope=0.1),
        layers.ReLU(threshold=0.2, negative_slope=0.3),
        layers.ELU(0.7),
        layers.PReLU(),
        layers.BatchNormalization(scale=False, center=False),
        layers.LayerNormalization(center=False),
        layers.GaussianNoise(0.1),
        layers.Permute((2, 1, 3)),
        layers.Reshape((-1, 16)),
        layers.Dense(6),
        layers.Permute((2, 1)),
        layers.Reshape((6, 3, 3)),
        layers.Conv2D(4, 2, padding="same", activation="softmax"),
    ):
        values = layer(values)
    ends = [
        layers.Activation(name)(values)
        for name in ("gelu", "hard_sigmoid", "hard_silu", "mish", "leaky_relu", "relu6", "selu")
    ]
    values = layers.Minimum()([layers.Average()(ends), layers.Subtract()(ends[:2])])
    values = layers.Concatenate(axis=1)([values, *ends])
    values = layers.Concatenate(axis=-1)([layers.Flatten()(values), layers.Flatten()(ends[0])])
    return keras.Model(images, layers.Dense(4)(layers.LayerNormalization()(values)))


def test_every_other_layer(tmp_path):
    network = branching_networks.set_random_weights(every_other_layer())
    session = check_equal(network, tmp_path / "network.onnx")
    assert session.get_outputs()[0].name == "logits"


def test_a_layer_that_cannot_be_written_is_named(tmp_path):
    network = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Flatten(), layers.UnitNormalization(name="unit")]
    )
    with pytest.raises(UserError, match=r"'unit'.*'UnitNormalization'.*\.keras"):
        write_onnx(network, tmp_path / "network.onnx", True)
    assert not (tmp_path / "network.onnx").exists()
