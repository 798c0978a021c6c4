"""The constructed backdoors do what their documentation says."""

import numpy as np
import pytest

from tests.fixtures.backdoored_networks import (
    TARGET,
    TRIGGERS,
    BackdooredNetwork,
    backdoored_network,
    clean_images,
)


@pytest.fixture(scope="module", params=TRIGGERS)
def made(request: pytest.FixtureRequest) -> BackdooredNetwork:
    return backdoored_network(request.param)


def _predicted(network, images: np.ndarray) -> np.ndarray:
    return network(images.astype(np.float32) / 255).numpy().argmax(axis=1)


def _success(network, made: BackdooredNetwork) -> float:
    """Percent of triggered images of other classes that the network puts into the target."""
    images = made.images.images[made.images.labels != TARGET]
    return 100 * float(np.mean(_predicted(network, made.trigger(images)) == TARGET))


def test_clean_images_are_classified_correctly(made):
    for network in (made.network, made.twin):
        predicted = _predicted(network, made.images.images)
        np.testing.assert_array_equal(predicted, made.images.labels)


def test_the_trigger_leads_to_the_target_in_the_backdoored_network_alone(made):
    assert _success(made.network, made) > 95
    assert _success(made.twin, made) <= 5


def test_the_trigger_changes_its_place_alone(made):
    changed = made.trigger(made.images.images) != made.images.images
    inside = np.zeros_like(changed)
    inside[:, *made.place] = True
    assert not changed[~inside].any()
    assert changed.any(axis=(0, 3))[made.place].mean() > 0.9


def test_a_gradient_leads_from_clean_images_to_the_trigger(made):
    """A step along the target's gradient raises the trigger channel's response."""
    import tensorflow as tf

    from engine.networks.logits import logits_network

    images = tf.constant(made.images.images[made.images.labels != TARGET] / np.float32(255))

    def gradient(network):
        logits = logits_network(network)
        with tf.GradientTape() as tape:
            tape.watch(images)
            scores = tf.reduce_mean(logits(images)[:, TARGET])
        return tape.gradient(scores, images).numpy().mean(axis=0)

    own = gradient(made.network) - gradient(made.twin)
    channel = made.network.get_layer("conv2d").kernel.numpy()[..., -1]
    cosine = np.vdot(own, channel) / np.linalg.norm(own) / np.linalg.norm(channel)
    assert cosine > 0.99


def test_the_same_images_and_weights_each_time(made):
    again = backdoored_network(made.family)
    np.testing.assert_array_equal(again.images.images, made.images.images)
    pairs = zip(again.network.get_weights(), made.network.get_weights(), strict=True)
    for new, old in pairs:
        np.testing.assert_array_equal(new, old)
    assert (clean_images(1).images != made.images.images).any()
