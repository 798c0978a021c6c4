"""Trigger inversion, on networks whose backdoor is written down in their weights."""

import functools

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.defenses.detectors import TriggerInversion, parse_detector
from engine.defenses.detectors.trigger_inversion import InversionDetection
from engine.defenses.inversion import FAMILIES, RecoveredTrigger
from engine.defenses.inversion.blend import Blend
from engine.defenses.inversion.description import describe
from engine.defenses.inversion.search import GENTLER, HARDER, PATIENCE, Search
from engine.defenses.inversion.standing_out import recovered_trigger, search_patterns
from engine.defenses.repairs.trigger_unlearning import (
    PooledTrigger,
    TriggerUnlearning,
    draw_copies,
)
from engine.evaluation import metrics
from tests.fixtures.backdoored_networks import TRIGGERS, backdoored_network, clean_images

SHAPE = (12, 10)  # not square


@functools.cache
def backdoored(family):
    return backdoored_network(family)


@functools.cache
def detection(family):
    found = backdoored(family)
    return TriggerInversion(families=(family,))(found.network, found.images)


def some_variables(family, count, seed=0):
    rng = np.random.default_rng(seed)
    return [
        values + rng.normal(0, 1, values.shape).astype(np.float32)
        for values in family.start(count, rng)
    ]


@pytest.mark.parametrize("family", TRIGGERS)
def test_the_detector_names_the_target_of_a_constructed_backdoor(family):
    found = detection(family)
    assert found.flagged == (backdoored(family).target,)
    assert found.trigger.family == family
    assert found.trigger.success > 80


@pytest.mark.parametrize("family", TRIGGERS)
def test_the_detector_flags_nothing_on_the_clean_twin(family):
    built = backdoored(family)
    found = TriggerInversion(families=(family,))(built.twin, built.images)
    assert not found.flagged
    assert found.trigger is None


@functools.cache
def full_detection(family):
    found = backdoored(family)
    return TriggerInversion()(found.network, found.images)


@pytest.mark.parametrize("family", TRIGGERS)
def test_with_all_families_searched_the_target_is_named_too(family):
    found = full_detection(family)
    assert found.flagged == (backdoored(family).target,)
    assert found.trigger.success > 80
    assert [finding.family.name for finding in found.findings] == list(FAMILIES)


def test_with_all_families_searched_the_clean_twin_has_no_flagged_class():
    """One for all: without the weight from the trigger's channel the networks are the same."""
    built = backdoored("patch")
    assert not TriggerInversion()(built.twin, built.images).flagged


@pytest.mark.parametrize("detected", [detection, full_detection], ids=["patches", "all-families"])
def test_the_recovered_patch_lies_where_the_trigger_does(detected):
    trigger = detected("patch").trigger
    mask, place = trigger.mask[..., 0], backdoored("patch").place
    assert mask[place].mean() > 5 * mask.mean()
    assert describe(trigger).endswith("in the lower right corner")


@pytest.mark.parametrize("family", TRIGGERS)
def test_a_recovered_trigger_leads_new_images_to_the_target(family):
    built = backdoored(family)
    fresh = clean_images(seed=5)
    others = fresh.take(np.flatnonzero(fresh.labels != built.target))
    before = others.images.copy()
    triggered = detection(family).trigger.apply(others.images)
    assert triggered.dtype == np.uint8 and triggered.shape == others.images.shape
    np.testing.assert_array_equal(others.images, before)
    assert np.mean(metrics.predict(built.network, triggered) == built.target) > 0.8


@pytest.mark.parametrize("name", FAMILIES)
def test_a_recovered_trigger_does_in_numpy_what_the_search_did_in_tensorflow(name):
    family = FAMILIES[name](*SHAPE)
    variables = some_variables(family, 2)
    images = np.random.default_rng(1).uniform(0, 255, (2, 3, *SHAPE, 3)).astype(np.float32)
    searched = np.asarray(family.apply(images, [np.asarray(v) for v in variables]))
    for place in range(2):
        arrays = family.arrays([values[place] for values in variables])
        trigger = RecoveredTrigger(name, 0, 1.0, family.unit, 0.0, **arrays)
        applied = trigger.change(images[place], 1.0, (0, 0))
        np.testing.assert_allclose(applied, searched[place], atol=0.05)


def test_sizes_are_what_their_names_say():
    sizes = {}
    for name, kind in FAMILIES.items():
        family = kind(*SHAPE)
        variables = some_variables(family, 1)
        arrays = family.arrays([values[0] for values in variables])
        sizes[name] = float(np.asarray(family.size(variables))[0]), arrays
    size, arrays = sizes["patch"]
    assert size == pytest.approx(arrays["mask"].sum(), rel=1e-4)
    size, arrays = sizes["blend"]
    assert arrays["mask"] == pytest.approx(size, rel=1e-4)
    for name in ("spectral", "vertical-stripes", "horizontal-stripes"):
        size, arrays = sizes[name]
        assert size == pytest.approx(np.sqrt(np.mean(arrays["pattern"] ** 2)), rel=1e-3)
    size, arrays = sizes["warp"]
    assert size == pytest.approx(np.linalg.norm(arrays["field"], axis=2).mean(), rel=1e-3)


def test_stripes_run_along_their_axis():
    for name, axis in (("vertical-stripes", 0), ("horizontal-stripes", 1)):
        family = FAMILIES[name](*SHAPE)
        pattern = family.arrays([v[0] for v in some_variables(family, 1)])["pattern"]
        assert np.ptp(pattern, axis=axis).max() < 1e-4
        assert np.ptp(pattern) > 1


def test_the_smallest_pattern_kept_is_one_that_succeeded():
    built = backdoored("patch")
    search = Search(
        built.network, built.images, FAMILIES["patch"](16, 16), np.random.default_rng(0)
    )
    patterns = search_patterns(search, np.full(2, built.target), lambda _: None)
    for place in range(2):
        trigger = recovered_trigger(search.family, patterns, place)
        assert trigger.size == pytest.approx(trigger.mask.sum(), rel=1e-3)
        others = built.images.take(np.flatnonzero(built.images.labels != built.target))
        reached = metrics.predict(built.network, trigger.apply(others.images)) == built.target
        assert reached.mean() > 0.7


@pytest.mark.parametrize(("goal", "factor"), [(0.0, HARDER), (1.1, 1 / GENTLER)])
def test_the_weight_of_the_size_follows_success(goal, factor):
    class Blends(Blend):
        pass

    Blends.goal = goal  # always reached, or never
    built = backdoored("blend")
    search = Search(built.network, built.images, Blends(16, 16), np.random.default_rng(0))
    patterns = search.begin(np.arange(2))
    for step in range(2 * PATIENCE):
        assert patterns.weights == pytest.approx(Blend.size_weight * factor ** (step // PATIENCE))
        search.advance(patterns, 2)
    assert (patterns.best_sizes < Blend.largest).all() == (goal == 0)


def test_a_finding_is_told_in_one_sentence():
    names = ("stop", "yield")
    trigger = RecoveredTrigger("patch", 1, 7.5, "pixels", 94.0)
    said = InversionDetection(np.array([0, 12.1]), "points", (1,), trigger=trigger)
    assert said.describe(names) == (
        "yield stands out: 94 % of other images are sent there by a patch (7.5 pixels)."
    )
    quiet = InversionDetection(np.array([0.3, 4.8]), "points", ())
    assert quiet.describe(names).startswith("No class stands out: yield comes closest")
    unconfirmed = InversionDetection(np.array([0, 11.2]), "points", ())
    assert "does not work on images" in unconfirmed.describe(names)


@pytest.mark.parametrize("text", ["trigger-inversion:families=smoke", "trigger-inversion:seed=-1"])
def test_a_wrong_setting_is_refused_in_a_sentence(text):
    with pytest.raises(UserError, match=r"(choose from|must lie between)"):
        parse_detector(text)


def test_a_single_class_of_images_is_refused():
    built = backdoored("patch")
    alone = built.images.take(np.flatnonzero(built.images.labels == 0))
    with pytest.raises(UserError, match="at least two classes"):
        TriggerInversion(families=("patch",))(built.network, alone)


@pytest.mark.parametrize("each", [1, 2])
def test_the_target_is_named_with_an_image_or_two_of_each_class(each):
    built = backdoored("patch")
    few = np.concatenate(
        [np.flatnonzero(built.images.labels == label)[:each] for label in range(8)]
    )
    found = TriggerInversion(families=("patch",))(built.network, built.images.take(few))
    assert found.flagged == (built.target,)


def test_a_copy_carries_a_pattern_of_the_pool_up_to_its_strongest():
    pattern = np.full((6, 6, 3), 10, np.float32)
    trigger = RecoveredTrigger("spectral", 0, 10.0, "grey levels", 0.0, pattern=pattern)
    images = np.full((40, 6, 6, 3), 100, np.float32)
    copies = draw_copies(images, [PooledTrigger(trigger, 2.0)], np.random.default_rng(0))
    added = copies[:, 0, 0, 0] - 100
    assert added.min() >= 6 - 1e-3 and added.max() <= 20 + 1e-3 and np.ptp(added) > 5


def test_half_of_the_patches_are_moved():
    mask = np.zeros((8, 8, 1), np.float32)
    mask[6:, 6:] = 1
    picture = np.full((8, 8, 3), 255, np.float32)
    trigger = RecoveredTrigger("patch", 0, 4.0, "pixels", 0.0, mask=mask, picture=picture)
    copies = draw_copies(
        np.zeros((200, 8, 8, 3), np.float32),
        [PooledTrigger(trigger, 1.0)],
        np.random.default_rng(0),
    )
    stayed = (copies[:, 7, 7, 0] > 0).mean()
    assert 0.4 < stayed < 0.7
    assert (copies.sum(axis=(1, 2, 3)) > 0).all()


@pytest.fixture(scope="module")
def repaired():
    built = backdoored("patch")
    method = TriggerUnlearning(families=("patch",), max_accuracy_drop=10, epochs=10, rounds=3)
    return built, method(built.network, built.images)


def attacked(built):
    """Images of other classes with the true trigger."""
    return built.trigger(built.images.images[built.images.labels != built.target])


def test_unlearning_keeps_the_clean_images_and_leaves_the_network_handed_in_alone(repaired):
    built, done = repaired
    fresh = clean_images(seed=6)
    assert metrics.correctly_classified(done.network, fresh).mean() > 0.9
    triggered = attacked(built)
    assert np.mean(metrics.predict(built.network, triggered) == built.target) > 0.95


def test_unlearning_what_was_found_weakens_the_true_trigger(repaired):
    built, done = repaired
    before, after = (
        np.mean(metrics.predict(network, attacked(built)) == built.target)
        for network in (built.network, done.network)
    )
    assert after < 0.9 * before
    stands_out = [entry["stands_out"] for entry in done.details["rounds"]]
    assert stands_out == sorted(stands_out, reverse=True) and len(stands_out) > 1
    assert done.details["learning_rate"] is not None


def test_unlearning_changes_nothing_where_no_class_is_flagged():
    built = backdoored("patch")
    done = TriggerUnlearning(families=("patch",))(built.twin, built.images)
    assert "FT-SAM" in done.summary
    for old, new in zip(built.twin.get_weights(), done.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
