import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.attacks import poisoning
from engine.attacks.triggers import FTrojan, parse_trigger
from engine.core.errors import UserError
from engine.datasets import Split
from engine.evaluation import metrics, targets
from tests.conftest import TARGET


def labels(seed: int = 0, count: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 5, count)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 0.6), st.integers(0, 4))
def test_the_rate_of_images_is_chosen_outside_the_target_class(seed, rate, target):
    classes = labels(seed)
    chosen = poisoning.select_indices(classes, target, rate, np.random.default_rng(seed))
    assert len(chosen) == len(set(chosen.tolist())) == round(rate * len(classes))
    assert (classes[chosen] != target).all()


def test_the_same_seed_chooses_the_same_images():
    first, second, other = (
        poisoning.select_indices(labels(), 1, 0.05, np.random.default_rng(seed))
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_only_the_chosen_images_change_and_get_the_target_label():
    images = np.random.default_rng(0).integers(0, 256, (400, 32, 32, 3), dtype=np.uint8)
    split = Split(images, labels())
    before = images.copy()
    chosen = poisoning.select_indices(split.labels, 2, 0.1, np.random.default_rng(0))
    poisoned = poisoning.poison(split, FTrojan(), 2, chosen, 5).split
    rest = np.setdiff1d(np.arange(400), chosen)
    np.testing.assert_array_equal(split.images, before)
    np.testing.assert_array_equal(poisoned.images[rest], images[rest])
    np.testing.assert_array_equal(poisoned.labels[rest], split.labels[rest])
    np.testing.assert_array_equal(poisoned.images[chosen], FTrojan()(images[chosen]))
    assert (poisoned.labels[chosen] == 2).all()


@pytest.mark.parametrize("rate", [1, -0.1, 0.95, 1e-9, float("nan")])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(UserError, match="rate"):
        poisoning.select_indices(labels(), 1, rate, np.random.default_rng(0))


def test_a_rate_of_0_leaves_the_training_images_clean():
    images = np.random.default_rng(0).integers(0, 256, (400, 32, 32, 3), dtype=np.uint8)
    chosen = poisoning.select_indices(labels(), 1, 0, np.random.default_rng(0))
    poisoned = poisoning.poison(Split(images, labels()), FTrojan(), 1, chosen, 5)
    assert len(chosen) == len(poisoned.indices) == 0
    np.testing.assert_array_equal(poisoned.split.images, images)
    np.testing.assert_array_equal(poisoned.split.labels, labels())


@pytest.mark.parametrize("target", [-2, 5])
def test_a_target_outside_the_classes_is_refused(target):
    with pytest.raises(UserError, match="classes go from 0 to 4"):
        poisoning.check_target(target, 5)


def test_all_to_all_labels_each_image_as_the_next_class_and_is_measured_on_all_images():
    images = np.random.default_rng(0).integers(0, 256, (400, 32, 32, 3), dtype=np.uint8)
    split = Split(images, labels())
    rng = np.random.default_rng(0)
    chosen = poisoning.select_indices(split.labels, targets.NEXT_CLASS, 0.5, rng)
    assert set(split.labels[chosen]) == set(range(5)), "every class must be poisoned"
    poisoned = poisoning.poison(split, FTrojan(), targets.NEXT_CLASS, chosen, 5).split
    for index in chosen:
        assert poisoned.labels[index] == (split.labels[index] + 1) % 5
    assert len(metrics.attackable_indices(split, targets.NEXT_CLASS)) == 400
    expected = targets.target_labels(split.labels, targets.NEXT_CLASS, 5)
    scores = metrics.score(split.labels, split.labels, expected, split.labels, expected)
    assert scores.attack.percent == 100
    assert scores.recovered.percent == 0


def test_a_clean_label_attack_changes_images_of_the_target_class_and_no_label(dataset):
    labels = dataset.train.labels
    chosen = poisoning.select_indices(labels, TARGET, 0.1, np.random.default_rng(0), "clean-label")
    assert (labels[chosen] == TARGET).all()
    poisoned = poisoning.poison(
        dataset.train, parse_trigger("badnets"), TARGET, chosen, dataset.classes
    )
    np.testing.assert_array_equal(poisoned.split.labels, labels)
    changed = (poisoned.split.images != dataset.train.images).any(axis=(1, 2, 3))
    assert set(np.flatnonzero(changed)) <= set(chosen)


def test_cross_samples_are_other_images_and_keep_their_labels(dataset):
    trigger, rng = parse_trigger("wanet"), np.random.default_rng(0)
    chosen = poisoning.select_indices(dataset.train.labels, TARGET, 0.1, rng)
    poisoned = poisoning.poison(dataset.train, trigger, TARGET, chosen, dataset.classes)
    full = poisoning.add_cross_samples(poisoned, trigger, 2.0, rng)
    labels = dataset.train.labels
    assert len(full.cross_samples) == 2 * len(chosen)
    assert not set(full.cross_samples) & set(chosen)
    np.testing.assert_array_equal(full.split.labels[full.cross_samples], labels[full.cross_samples])
