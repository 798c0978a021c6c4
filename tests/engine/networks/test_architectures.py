import gc
import weakref

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.networks import architectures, running

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
