import gc
import weakref

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.datasets.dataset import Split
from engine.networks import architectures, running, standard_form
from engine.networks.architectures import ARCHITECTURES, VGG, MobileNet, ResNet
from engine.training.training_config import TrainingConfig
from engine.training.training_steps import build_optimizer, compile_steps

# The paper's Figure 4, row by row.
FIGURE_4 = [
    ("conv2d", (32, 32, 32), 896),
    ("activation", (32, 32, 32), 0),
    ("batch_normalization", (32, 32, 32), 128),
    ("conv2d_1", (32, 32, 32), 9248),
    ("activation_1", (32, 32, 32), 0),
    ("batch_normalization_1", (32, 32, 32), 128),
    ("max_pooling2d", (16, 16, 32), 0),
    ("dropout", (16, 16, 32), 0),
    ("conv2d_2", (16, 16, 64), 18496),
    ("activation_2", (16, 16, 64), 0),
    ("batch_normalization_2", (16, 16, 64), 256),
    ("conv2d_3", (16, 16, 64), 36928),
    ("activation_3", (16, 16, 64), 0),
    ("batch_normalization_3", (16, 16, 64), 256),
    ("max_pooling2d_1", (8, 8, 64), 0),
    ("dropout_1", (8, 8, 64), 0),
    ("conv2d_4", (8, 8, 128), 73856),
    ("activation_4", (8, 8, 128), 0),
    ("batch_normalization_4", (8, 8, 128), 512),
    ("conv2d_5", (8, 8, 128), 147584),
    ("activation_5", (8, 8, 128), 0),
    ("batch_normalization_5", (8, 8, 128), 512),
    ("max_pooling2d_2", (4, 4, 128), 0),
    ("dropout_2", (4, 4, 128), 0),
    ("flatten", (2048,), 0),
    ("dense", (43,), 88107),
]


def test_the_network_is_that_of_figure_4_row_by_row():
    network = architectures.paper_network()
    rows = [
        (item.name, tuple(item.output.shape[1:]), item.count_params()) for item in network.layers
    ]
    for ours, paper in zip(rows, FIGURE_4, strict=True):
        print(f"{ours[0]:24}{ours[1]!s:18}{ours[2]:>8}   paper: {paper}")
    assert rows == FIGURE_4
    frozen = sum(
        int(np.prod(v.shape)) for v in network.non_trainable_variables if "moving" in v.path
    )
    assert (network.count_params(), network.count_params() - frozen, frozen) == (
        376_907,
        376_011,
        896,
    )


def test_every_activation_is_elu_and_every_convolution_has_l2():
    network = architectures.paper_network()
    kinds = {item.activation.__name__ for item in network.layers if "activation" in item.name}
    weights = [
        float(item.kernel_regularizer.l2) for item in network.layers if "conv2d" in item.name
    ]
    assert kinds == {"elu"}
    assert weights == pytest.approx([1e-6] * 6)


def test_the_seed_decides_the_weights():
    first, same, other = (
        architectures.paper_network(seed=seed).get_weights() for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_a_network_can_be_loaded_under_any_history_of_others(tmp_path):
    import keras

    architectures.paper_network()
    keras.backend.clear_session()
    assert [item.name for item in architectures.paper_network().layers] == [
        row[0] for row in FIGURE_4
    ]


def test_classes_and_image_size_are_parameters():
    network = architectures.paper_network(classes=7, image_shape=(48, 48, 3))
    assert network.output_shape == (None, 7)
    assert network.input_shape == (None, 48, 48, 3)


@pytest.mark.parametrize(("shape", "classes"), [((48, 48, 3), 43), ((32, 32, 3), 10)])
def test_data_that_does_not_fit_is_refused(shape, classes):
    with pytest.raises(UserError, match="but the data has"):
        running.check_fits(architectures.paper_network(), shape, classes)


def test_images_too_small_to_pool_three_times_are_refused():
    with pytest.raises(UserError, match="at least 8x8"):
        architectures.paper_network(image_shape=(4, 4, 3))


def small_images(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 8, 8, 3), np.float32)


def test_a_compiled_network_reads_weights_that_were_set_later():
    network, other = (
        architectures.paper_network(classes=5, image_shape=(8, 8, 3), seed=seed) for seed in (1, 2)
    )
    images = small_images(6)
    before = running.compiled(network)(images)
    network.set_weights(other.get_weights())
    np.testing.assert_allclose(running.compiled(network)(images), other(images), atol=1e-6)
    assert np.abs(running.compiled(network)(images) - before).max() > 1e-3


def test_a_compiled_network_is_traced_once_and_let_go_with_its_model():
    import keras

    traced = []

    class Watched(keras.layers.Layer):
        def call(self, values):
            traced.append(values.shape)
            return values

    network = keras.Sequential([keras.Input((8, 8, 3)), Watched(), keras.layers.Flatten()])
    traced.clear()
    for count in (2, 3):
        running.compiled(network)(small_images(count))
    assert len(traced) == 1
    run, gone = running.compiled(network), weakref.ref(network)
    del network
    gc.collect()
    assert run(small_images(1)).shape == (1, 192), "whoever holds the function holds the weights"
    del run
    gc.collect()
    assert gone() is None


SLIM = (ResNet(width=4), VGG(width=4), MobileNet(width=0.1))
SMALL = (16, 24, 3)


@pytest.fixture(scope="module", params=SLIM, ids=lambda architecture: architecture.name)
def slim(request):
    """A slim architecture and a network of it."""
    return request.param, request.param.build(5, SMALL, seed=1)


def test_a_slim_network_gives_probabilities_and_tells_its_size_without_being_built(slim):
    architecture, network = slim
    probabilities = running.compiled(network)(np.zeros((2, *SMALL), np.float32))
    assert probabilities.shape == (2, 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert architecture.count_parameters(5, SMALL) == network.count_params()


def test_a_slim_network_has_standard_layers_and_the_same_names_however_many_were_built(slim):
    architecture, network = slim
    kinds = {type(layer).__name__ for layer in network.layers} - {"InputLayer"}
    assert kinds <= standard_form.STANDARD
    again = architecture.build(5, SMALL, seed=1)
    assert [layer.name for layer in again.layers] == [layer.name for layer in network.layers]


def test_the_seed_decides_the_weights_of_a_slim_network(slim):
    architecture, network = slim
    same, other = (architecture.build(5, SMALL, seed=seed).get_weights() for seed in (1, 2))
    weights = network.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(weights, same, strict=True))
    assert not np.array_equal(weights[0], other[0])


def test_the_file_of_a_slim_network_opens_again(slim, tmp_path):
    import keras

    _, network = slim
    network.save(tmp_path / "network.keras")
    opened = keras.models.load_model(tmp_path / "network.keras")
    images = np.random.default_rng(0).random((2, *SMALL), np.float32)
    np.testing.assert_array_equal(
        running.compiled(opened)(images), running.compiled(network)(images)
    )


def test_training_changes_every_weight_of_a_resnet_with_batches_of_any_size():
    network = ResNet(width=4).build(5, SMALL, seed=1)
    images = np.random.default_rng(0).integers(256, size=(12, *SMALL), dtype=np.uint8)
    train = Split(images, np.arange(12) % 5)
    before = {variable.path: np.array(variable) for variable in network.weights}
    step = compile_steps(network, build_optimizer(network, TrainingConfig(), 12))
    for batch in (8, 4, 1):
        loss, _ = step(train.images[np.newaxis, :batch], train.labels[np.newaxis, :batch])
        assert np.isfinite(loss)
    assert not [
        variable.path
        for variable in network.weights
        if np.array_equal(np.array(variable), before[variable.path])
    ], "kernels, BatchNorms and their moving averages"


@pytest.mark.parametrize("name", ["resnet", "vgg", "mobilenet"])
def test_the_default_has_at_most_700_000_parameters(name):
    assert ARCHITECTURES[name]().count_parameters(43, (32, 32, 3)) <= 700_000


def test_a_width_of_64_gives_the_full_resnet_18():
    assert round(ResNet(width=64).count_parameters(10, (32, 32, 3)) / 1e6, 1) == 11.2


def test_the_papers_network_tells_its_size_without_being_built():
    size = architectures.PaperNetwork().count_parameters(43, (32, 32, 3))
    assert size == architectures.paper_network().count_params()


@pytest.mark.parametrize(("name", "least"), [("resnet", 8), ("vgg", 8), ("mobilenet", 8)])
def test_images_too_small_for_an_architecture_are_refused(name, least):
    with pytest.raises(UserError, match=f"at least {least}x{least}"):
        ARCHITECTURES[name]().build(5, (least - 1, 32, 3), seed=0)


def test_a_wider_network_takes_longer():
    for kind in (ResNet, VGG, MobileNet):
        wide = kind(width=2 * kind().width)
        assert wide.relative_time() > kind().relative_time() > 0
