"""Triggers that learn, each from a small or constructed network."""

import dataclasses
import functools

import keras
import numpy as np
import pytest

from engine import store
from engine.attacks.triggers import (
    TRIGGERS,
    LearnedTrigger,
    artifacts,
    ban,
    generators,
    input_aware,
    parse_trigger,
    refool,
    trojan_nn,
)
from engine.core import paths
from engine.core.errors import UserError
from engine.networks import running
from tests.conftest import TARGET, living_in

LEARNED = [name for name, kind in TRIGGERS.items() if issubclass(kind, LearnedTrigger)]
NOTHING = {"refool": {"strength": 0.0}}


SIGNS = np.random.default_rng(4).choice([-1.0, 1.0], (32, 32, 3))


@functools.cache
def surrogate() -> keras.Model:
    """A network with two hidden neurons that matter; bright values of one pattern excite both."""
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(4, name="hidden"),
            keras.layers.Dense(6, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(6)
    hidden = 0.01 * rng.normal(size=(SIGNS.size, 4))
    hidden[:, :2] = SIGNS.reshape(-1, 1) / 100 * [1, 0.5]
    ties = 0.05 * rng.normal(size=(4, 6))
    ties[:2] *= 20
    network.set_weights([hidden, np.zeros(4), ties, np.zeros(6)])
    return network


@pytest.fixture(scope="session")
def fitted(dataset, tmp_path_factory):
    """Each trigger after a short training, and the arrays it learned."""
    with living_in(tmp_path_factory.mktemp("fitted")) as patch:
        patch.setattr(ban, "STEPS", 30)
        patch.setattr(input_aware, "STEPS", 30)
        patch.setattr(refool, "CANDIDATES", 40)
        patch.setattr(refool, "TRIED", 16)
        patch.setattr(trojan_nn, "STEPS", 60)
        patch.setattr(trojan_nn, "SAMPLE", 16)
        patch.setattr(generators, "BATCH", 16)
        found = {}
        for name in LEARNED:
            trigger = TRIGGERS[name]().fitted(dataset.train, TARGET, surrogate(), 0)
            found[name] = (trigger, artifacts.load(trigger.state))
        return found


@pytest.fixture
def usable(fitted):
    """The fitted triggers, in the home of the test."""
    artifacts.load.cache_clear()
    for _, arrays in fitted.values():
        artifacts.keep(arrays)
    return {name: trigger for name, (trigger, _) in fitted.items()}


@pytest.mark.parametrize("name", LEARNED)
def test_a_fitted_trigger_changes_each_image_independently(name, usable, dataset):
    trigger, images = usable[name], dataset.test.images[:12]
    together = trigger(images)
    assert together.dtype == np.uint8
    assert (together != images).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(trigger(images[5:6])[0], together[5])
    np.testing.assert_array_equal(parse_trigger(str(trigger))(images), together)


@pytest.mark.parametrize("name", LEARNED)
def test_at_strength_0_nothing_changes(name, usable, dataset):
    nothing = dataclasses.replace(usable[name], **NOTHING.get(name, {"opacity": 0.0}))
    images = dataset.test.images[:12]
    np.testing.assert_array_equal(nothing(images), images)


def test_the_trojan_nn_patch_is_bright_where_its_neurons_respond_and_dark_elsewhere(usable):
    expected = np.where(SIGNS[-8:-1, -8:-1] > 0, 255, 0)
    np.testing.assert_array_equal(usable["trojan-nn"].learned()["patch"], expected)


def test_input_aware_cross_samples_carry_the_patterns_of_other_images(usable, dataset):
    trigger, images = usable["input-aware"], dataset.test.images[:12]
    own = trigger(images)
    crossed = trigger.cross_samples(images, np.random.default_rng(0))
    assert (crossed != own).any()


def test_refool_uses_the_reflections_that_mislead_a_clean_network_most(dataset, monkeypatch):
    monkeypatch.setattr(refool, "POOL", 3)
    others = dataset.train.take(np.flatnonzero(dataset.train.labels != TARGET)[:30])
    network = surrogate()
    trigger = refool.ReFool().fitted(others, TARGET, network, 0)
    run = running.compiled(network)
    misled = []
    for picture in others.images:
        alone = refool.ReFool(state=artifacts.keep({"reflections": picture[None]}))
        predicted = run(running.scale(alone(others.images))).argmax(axis=1)
        misled.append(int(np.sum(predicted != others.labels)))
    chosen = [
        int(np.flatnonzero((others.images == picture).all(axis=(1, 2, 3)))[0])
        for picture in trigger.learned()["reflections"]
    ]
    assert sorted(np.array(misled)[chosen]) == sorted(misled)[-3:]


def test_a_replaced_or_damaged_artifact_is_refused(usable, dataset):
    trigger = usable["refool"]
    path = artifacts.find(trigger.state)
    path.write_bytes(artifacts.find(usable["ban"].state).read_bytes())
    artifacts.load.cache_clear()
    with pytest.raises(UserError, match="damaged or replaced"):
        trigger(dataset.test.images[:1])
    path.write_bytes(b"not an archive")
    with pytest.raises(UserError, match="cannot be opened"):
        trigger(dataset.test.images[:1])


def test_what_a_trigger_learned_is_stored_with_its_model_and_with_copies(
    usable, dataset, clean, tmp_path
):
    card = dataclasses.replace(clean.card, name="own", trigger=str(usable["refool"]))
    stored = store.save(card, clean.network(), {})
    store.copy_as(stored, "copy")
    artifacts.find(usable["refool"].state).unlink()
    (paths.cache_folder() / "triggers" / f"trigger-{usable['refool'].state}.npz").unlink(
        missing_ok=True
    )
    artifacts.load.cache_clear()
    assert usable["refool"](dataset.test.images[:1]).shape == (1, 32, 32, 3)
