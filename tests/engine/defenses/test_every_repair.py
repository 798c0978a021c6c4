"""What holds for every repair, on small networks of every shape."""

import contextlib
import dataclasses
import functools
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from engine import store
from engine.core import paths
from engine.core.errors import UserError
from engine.core.progress import Progress, reporting_to
from engine.datasets import Split
from engine.defenses.repairs import REPAIRS, i_bau, nad, parse_repair, rnp, strength_selection
from engine.defenses.repairs.accuracy_budget import AccuracyBudget
from engine.defenses.repairs.repair import BudgetedRepair
from tests.engine.networks.test_channels import (
    before_activation,
    behind_activation,
    residual,
    without_norm,
)
from tests.fixtures.small_networks import NETWORKS, built

# Keras warns of it in plain Python alone; the networks have one input either way.
pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")

SHORT = {
    "i-bau": "i-bau:rounds=1",
    "trigger-unlearning": "trigger-unlearning:families=blend,rounds=1,epochs=1",
    **{
        name: f"{name}:epochs=1"
        for name in ("fine-tuning", "fine-pruning", "anp", "rnp", "ft-sam", "nad")
    },
}


@pytest.fixture(autouse=True)
def short_lessons(monkeypatch):
    """What holds after a few steps holds after many."""
    monkeypatch.setattr(i_bau, "INNER_STEPS", 3)
    monkeypatch.setattr(i_bau, "FIXED_POINTS", 1)
    monkeypatch.setattr(rnp, "LONGEST", 10)
    monkeypatch.setattr(nad, "TEACHER_EPOCHS", 1)


@contextlib.contextmanager
def run_eagerly():
    """Run TensorFlow's functions as plain Python.

    A step runs once or twice here, and compiling it takes longer than running it a hundred times.
    """
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eagerly():
    with run_eagerly():
        yield


def weights_of(network: keras.Model) -> list[np.ndarray]:
    return [np.array(weights) for weights in network.get_weights()]


def differ(old: list[np.ndarray], new: list[np.ndarray]) -> bool:
    """Whether layers with weights were added, or weights changed."""
    pairs = zip(old, new, strict=False)
    return len(old) != len(new) or any((one != other).any() for one, other in pairs)


def changing(name: str) -> dict[str, float]:
    """Settings under which the network is changed, at the first strength tried."""
    return {"max_accuracy_drop": 100.0} if issubclass(REPAIRS[name], BudgetedRepair) else {}


def _sensible(event: Progress) -> None:
    assert 0 <= event.done <= event.total
    assert event.message


def small_images(classes: int = 3, each: int = 24) -> Split:
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(classes), each)
    base = rng.integers(40, 216, (classes, 1, 1, 3))
    images = np.clip(base[labels] + rng.normal(0, 12, (len(labels), 8, 8, 3)), 0, 255)
    return Split(images.astype(np.uint8), labels)


@functools.cache  # no test may change it; one makes sure that no repair does
def fitted(shape):
    """A network of that shape whose last layer is solved for to tell three colours apart."""
    keras.utils.set_random_seed(4)  # the same weights of the other layers
    network = shape()
    data = small_images()
    before = keras.Model(network.inputs[0], network.layers[-1].input)
    features = np.asarray(before(data.images / np.float32(255))).astype(float)
    centre = features.mean(axis=0)
    wanted = 20 * (np.eye(3)[data.labels] - 1 / 3)  # logits
    # Of all exact solutions, the one with the smallest weights.
    weights = np.linalg.pinv(features - centre, rcond=0.1) @ wanted
    network.layers[-1].set_weights([weights, -centre @ weights])
    return network


def test_the_networks_to_be_repaired_classify_their_images_correctly():
    data = small_images()
    for shape in (behind_activation, before_activation, residual, without_norm):
        read = np.asarray(fitted(shape)(data.images / np.float32(255)))
        assert (read.argmax(axis=1) == data.labels).all()
        assert np.log(np.sort(read, axis=1)[:, -1] / np.sort(read, axis=1)[:, -2]).min() > 2


@pytest.mark.parametrize("name", REPAIRS)
def test_a_repair_leaves_the_network_alone_and_repeats_itself(name, short_detection):
    short_detection(threshold=0.0)  # some class is flagged
    method = dataclasses.replace(parse_repair(SHORT.get(name, name)), **changing(name))
    network = fitted(behind_activation)
    before = weights_of(network)
    with reporting_to(_sensible):
        first = method(network, small_images())
    with run_eagerly():
        second = method(network, small_images())
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    for one, other in zip(weights_of(first.network), weights_of(second.network), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    assert first.network is not network
    assert differ(before, weights_of(first.network))
    assert first.removed == second.removed
    assert first.summary.endswith(".")
    assert first.channels == sum(map(len, first.removed.values()))


class OpenedFiles:
    """The files that Python opens while `watching`, by their paths."""

    def __init__(self):
        self.watching, self.paths = False, []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if self.watching and event == "open" and isinstance(arguments[0], str):
            self.paths.append(Path(arguments[0]).absolute())


@functools.cache  # an audit hook stays for good
def opened_files() -> OpenedFiles:
    return OpenedFiles()


@contextlib.contextmanager
def watching_files():
    files = opened_files()
    files.paths.clear()
    files.watching = True
    try:
        yield files.paths
    finally:
        files.watching = False


def put_another_trigger_on_the_card() -> None:
    stored = store.find("small")
    other = dataclasses.replace(stored.card, trigger="badnets:size=3,margin=1", target=3)
    stored.replace_card(other, [])


@pytest.mark.usefixtures("eagerly", "at_home")
@pytest.mark.parametrize("name", REPAIRS)
def test_a_repair_sees_clean_images_and_the_network_only(name, short_detection):
    """It opens no model's card and no dataset, and does the same whatever a card says."""
    short_detection(threshold=0.0)  # some class is flagged
    method = dataclasses.replace(parse_repair(SHORT.get(name, name)), **changing(name))
    network, images = fitted(behind_activation), small_images()
    with watching_files() as opened:
        first = method(network, images)
    kept_secret = (paths.home(), paths.data_root(), paths.SHIPPED_MODELS)
    assert not [path for path in opened for folder in kept_secret if folder in path.parents]
    put_another_trigger_on_the_card()
    second = method(network, images)
    for one, other in zip(weights_of(first.network), weights_of(second.network), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    assert (first.summary, first.removed) == (second.summary, second.removed)


def test_a_card_that_is_read_is_noticed(at_home):
    with watching_files() as opened:
        store.find("small")
    assert store.find("small").folder / "card.json" in opened


TOLERANT = [name for name, kind in REPAIRS.items() if issubclass(kind, BudgetedRepair)]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", TOLERANT)
def test_a_residual_network_is_repaired_within_the_accuracy_budget(name, short_detection):
    short_detection(threshold=0.0)  # some class is flagged
    network, data = fitted(residual), small_images()
    repaired = parse_repair(SHORT.get(name, name))(network, data)
    assert repaired.network.output_shape == network.output_shape
    read = np.asarray(repaired.network(data.images / np.float32(255))).argmax(axis=1)
    least = repaired.details["judged_before"] - 1 - 1e-3
    assert 100 * np.mean(read == data.labels) >= least
    assert repaired.details["judged_after"] >= least


def frozen_weights(network: keras.Model) -> list[np.ndarray]:
    return [np.array(v) for layer in network.layers if not layer.trainable for v in layer.weights]


# Those without gradients take every network. The others take the one that holds a bit of each:
# a frozen layer, branches that are added and concatenated, a depthwise convolution.
WITHOUT_GRADIENTS = ("pruning", "global-pruning", "clp")
BROUGHT = [
    (shape, name)
    for name in REPAIRS
    for shape in (NETWORKS if name in WITHOUT_GRADIENTS else ["adapted"])
]
network_named = functools.cache(built)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(("shape", "name"), BROUGHT)
def test_a_repair_treats_the_networks_that_people_bring(shape, name, short_detection):
    short_detection(threshold=0.0)  # some class is flagged
    method = dataclasses.replace(parse_repair(SHORT.get(name, name)), **changing(name))
    network = network_named(shape)
    repaired = method(network, small_images())
    names = [layer.name for layer in network.layers]
    assert [layer.name for layer in repaired.network.layers if layer.name in names] == names
    after = weights_of(repaired.network)
    assert differ(weights_of(network), after)
    assert all(np.isfinite(weights).all() for weights in after)
    for old, new in zip(frozen_weights(network), frozen_weights(repaired.network), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.usefixtures("eagerly")
def test_fine_pruning_holds_pruned_channels_at_zero():
    method = parse_repair("fine-pruning:epochs=1,max_accuracy_drop=100")
    repaired = method(fitted(behind_activation), small_images())
    (layer, channels) = next(iter(repaired.removed.items()))
    kernel, bias = repaired.network.get_layer(layer).get_weights()
    assert channels
    assert not kernel[..., channels].any()
    assert not bias[channels].any()


@pytest.mark.usefixtures("eagerly")
def test_fewer_rounds_of_adversarial_unlearning_are_the_first_of_more(monkeypatch):
    everything = np.arange(len(small_images()))
    monkeypatch.setattr(
        strength_selection, "split_in_halves", lambda images: (everything, everything)
    )
    network, images = fitted(behind_activation), small_images()
    one = parse_repair("i-bau:rounds=1,max_accuracy_drop=100")(network, images)
    verdicts = iter([False, False])  # both rounds cost too much; one does not
    monkeypatch.setattr(AccuracyBudget, "allows", lambda *_: next(verdicts, True))
    first_of_two = parse_repair("i-bau:rounds=2")(network, images)
    assert first_of_two.details["rounds"] == 1
    pairs = zip(weights_of(one.network), weights_of(first_of_two.network), strict=True)
    for alone, found in pairs:
        np.testing.assert_allclose(alone, found, rtol=1e-3, atol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_a_repair_of_which_no_setting_is_tolerable_changes_nothing(monkeypatch):
    network = fitted(without_norm)
    monkeypatch.setattr(AccuracyBudget, "allows", lambda *_: False)
    repaired = parse_repair("fine-tuning:epochs=1")(network, small_images())
    for old, new in zip(network.get_weights(), repaired.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert "Nothing was changed" in repaired.summary


def test_a_layer_that_mixes_channels_is_refused():
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(
        inputs, layers.Dense(3, "softmax")(layers.Flatten()(layers.Dense(4)(inputs)))
    )
    for name in ("clp", "anp", "rnp", "global-pruning", "pruning", "fine-pruning"):
        with pytest.raises(UserError, match="no convolution"):
            parse_repair(name)(network, small_images())
