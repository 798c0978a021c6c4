"""Activation caps: what they compute, that they stop a backdoor, and that networks stay usable."""

import keras
import numpy as np
import pytest

from engine import store
from engine.defenses.repairs import parse_repair
from engine.networks import numpy_inference, running, untrusted
from engine.networks.channels import find_prunable_layers
from tests.engine.defenses.test_every_repair import fitted, small_images
from tests.engine.networks.test_channels import behind_activation, residual
from tests.fixtures.backdoored_networks import TARGET, backdoored_network

pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")
ANY_COST = parse_repair("activation-caps:max_accuracy_drop=100")


def capped_input(network, layer: str, images: np.ndarray) -> np.ndarray:
    """What a layer takes."""
    reading = keras.Model(network.inputs, network.get_layer(layer).input)
    return np.asarray(reading(running.scale(images)))


def convolutions(network) -> list[str]:
    return [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]


def test_each_activation_is_capped_by_itself_at_its_mean_and_some_deviations():
    network, data = fitted(behind_activation), small_images()
    repaired = ANY_COST(network, data)
    strength = repaired.details["tried"][0][0]
    layer = repaired.details["capped_layers"][0]
    clean = capped_input(network, layer, data.images).astype(np.float64)
    strange = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    before, after = (capped_input(one, layer, strange) for one in (network, repaired.network))
    mean, deviation = clean.mean(axis=0), clean.std(axis=0)
    deviation = np.maximum(deviation, 0.01 * clean.std())
    assert (before > mean + strength * deviation).any(), "nothing is to be capped"
    expected = np.minimum(before, mean + strength * deviation)
    np.testing.assert_allclose(after, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [behind_activation, residual])
def test_the_layers_that_take_the_image_itself_are_not_capped(shape):
    network = fitted(shape)
    layers = ANY_COST(network, small_images()).details["capped_layers"]
    first = [name for name in convolutions(network) if name not in layers]
    assert first == [name for name in convolutions(network) if takes_the_image(network, name)]
    assert network.layers[-1].name in layers or network.layers[-2].name in layers


def takes_the_image(network, name: str) -> bool:
    return any(network.get_layer(name).input is tensor for tensor in network.inputs)


def test_a_constructed_backdoor_no_longer_works():
    made = backdoored_network("patch")
    others = made.images.images[made.images.labels != TARGET]
    repaired = parse_repair("activation-caps")(made.network, made.images)

    def success(network) -> float:
        predicted = np.asarray(network(running.scale(made.trigger(others)))).argmax(axis=1)
        return float(np.mean(predicted == TARGET))

    assert success(made.network) > 0.95
    assert success(repaired.network) < 0.05


def test_a_capped_network_is_stored_pruned_and_run_without_tensorflow_like_any_other(trained, few):
    repaired = parse_repair("activation-caps:max_accuracy_drop=100")(
        trained.network(), few.validation
    )
    stored = store.save(trained.card, repaired.network, {}, replace=True)
    images = few.test.images[:20]
    expected = np.asarray(repaired.network(running.scale(images)))
    np.testing.assert_allclose(stored.network()(running.scale(images)), expected, atol=1e-6)
    parts = untrusted.own_parts(stored.folder / "model.keras", "model.keras")
    plain = numpy_inference.load(parts).probabilities(images)
    np.testing.assert_allclose(plain, expected, atol=1e-4)
    names = [layer.convolution for layer in find_prunable_layers(trained.network())]
    assert [layer.convolution for layer in find_prunable_layers(repaired.network)] == names


def test_a_network_can_be_capped_again():
    data = small_images()
    once = ANY_COST(fitted(behind_activation), data)
    twice = ANY_COST(once.network, data)
    names = [layer.name for layer in twice.network.layers]
    assert len(set(names)) == len(names)
    assert twice.details["capped_layers"] == once.details["capped_layers"]


def test_nothing_is_changed_where_every_cap_costs_too_much(monkeypatch):
    from engine.defenses.repairs import activation_caps

    monkeypatch.setattr(activation_caps, "STRENGTHS", (1e-6,))
    network = fitted(behind_activation)
    repaired = parse_repair("activation-caps:max_accuracy_drop=0")(network, small_images())
    assert repaired.summary.startswith("Nothing was changed")
    for old, new in zip(network.get_weights(), repaired.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
