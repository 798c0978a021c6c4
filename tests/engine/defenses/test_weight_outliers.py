"""Weight outliers against their definition, and on networks with and without a backdoor."""

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.defenses.detectors import parse_detector
from engine.defenses.detectors.weight_outliers import class_pulls, robust_deviations
from engine.networks import channels
from tests.fixtures import branching_networks
from tests.fixtures.backdoored_networks import TARGET, TRIGGERS, backdoored_network, clean_images


def test_a_class_pulls_with_the_mean_of_its_strongest_channels():
    rng = np.random.default_rng(0)
    weights, amplification = rng.normal(size=(4 * 6, 5)), rng.uniform(1, 3, 6)
    expected = []
    for label in range(5):
        pulls = [
            amplification[channel] * np.mean([weights[6 * p + channel, label] for p in range(4)])
            for channel in range(6)
        ]
        expected.append(sum(sorted(pulls)[-2:]) / 2)
    np.testing.assert_allclose(class_pulls(weights, amplification, 2), expected)
    everything = class_pulls(weights, amplification, 6)
    np.testing.assert_allclose(class_pulls(weights, amplification, 99), everything)


def test_deviations_are_robust():
    values = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    np.testing.assert_allclose(robust_deviations(values), (values - 3) / 1.4826)
    np.testing.assert_allclose(robust_deviations(np.array([1.0, 1, 1, 5])), [0, 0, 0, 4 / 3**0.5])
    np.testing.assert_array_equal(robust_deviations(np.ones(4)), np.zeros(4))


@pytest.mark.parametrize(
    ("name", "amplifies"), [("resnet", True), ("vgg", True), ("efficientnet", False)]
)
def test_amplification_counts_where_the_dense_layer_takes_a_convolutions_channels(name, amplifies):
    """In a squeeze-and-excite block it takes a product instead, and all channels count alike."""
    network = branching_networks.build(name, 5)
    weights = network.layers[-1].kernel.numpy().astype(np.float64)
    amplification = np.ones(len(weights))
    if amplifies:
        last = channels.find_prunable_layers(network)[-1]
        amplification = channels.bounds(network, last)
    scores = parse_detector("weights:strongest=3")(network, clean_images()).scores
    np.testing.assert_allclose(scores, robust_deviations(class_pulls(weights, amplification, 3)))


def test_the_units_of_a_hidden_dense_layer_count_alike():
    import keras

    layers = [
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(6, activation="softmax"),
    ]
    network = keras.Sequential([keras.Input((16, 16, 3)), *layers])
    weights = layers[-1].kernel.numpy().astype(np.float64)
    scores = parse_detector("weights")(network, clean_images()).scores
    np.testing.assert_allclose(scores, robust_deviations(class_pulls(weights, np.ones(8), 8)))


@pytest.mark.parametrize("family", TRIGGERS)
def test_a_backdoor_is_flagged_and_the_clean_twin_is_not(family):
    made = backdoored_network(family)
    detector = parse_detector("weights")
    assert detector(made.network, made.images).flagged == (TARGET,)
    assert detector(made.twin, made.images).flagged == ()


def test_too_few_classes_are_refused():
    network = branching_networks.build("vgg", 3)
    with pytest.raises(UserError, match="at least 4 classes"):
        parse_detector("weights")(network, clean_images())
