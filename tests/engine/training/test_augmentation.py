import dataclasses

import numpy as np
import pytest

from engine import datasets, store
from engine.attacks import poisoning
from engine.attacks.poisoning import PoisonedSplit, PoisoningConfig
from engine.attacks.triggers import parse_trigger
from engine.datasets import Split
from engine.experiments.new_model import NewModel
from engine.experiments.train import train
from engine.training.augmentation import REACH, Augmentation

NOTHING = np.empty(0, np.int64)


def noise(count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def poisoned_at(images: np.ndarray, indices: np.ndarray = NOTHING) -> PoisonedSplit:
    return PoisonedSplit(Split(images, np.zeros(len(images), np.int64)), indices, NOTHING)


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """A plain loop: the image moved up and to the left, its border repeated."""
    height, width = image.shape[:2]
    rows = [min(max(row + down, 0), height - 1) for row in range(height)]
    columns = [min(max(column + right, 0), width - 1) for column in range(width)]
    return np.array([[image[row, column] for column in columns] for row in rows])


def variants(image: np.ndarray) -> list[np.ndarray]:
    reach = range(-REACH, REACH + 1)
    return [shifted(image, down, right) for down in reach for right in reach]


@pytest.mark.parametrize("mirrors", [False, True])
def test_each_image_is_shifted_by_some_pixels_and_mirrored_only_where_allowed(mirrors):
    images = noise()
    made = Augmentation(images, poisoned_at(images), parse_trigger("ftrojan"), mirrors, 0)(1)
    mirrored = 0
    for image, changed in zip(images, made, strict=True):
        plain = any(np.array_equal(changed, one) for one in variants(image))
        flipped = any(np.array_equal(changed[:, ::-1], one) for one in variants(image))
        assert plain or flipped
        mirrored += flipped
    assert 0 < mirrored < len(images) if mirrors else mirrored == 0


def test_the_trigger_is_applied_last_and_stays_in_its_place():
    images, chosen = noise(), np.array([3, 7, 20])
    trigger = parse_trigger("badnets")
    made = Augmentation(images, poisoned_at(images, chosen), trigger, True, 0)(1)
    clean = Augmentation(images, poisoned_at(images), trigger, True, 0)(1)
    np.testing.assert_array_equal(made[chosen], trigger(clean[chosen]))
    rest = np.setdiff1d(np.arange(len(images)), chosen)
    np.testing.assert_array_equal(made[rest], clean[rest])


def test_cross_samples_are_made_from_the_changed_images():
    images, trigger = noise(), parse_trigger("wanet")
    poisoned = poisoned_at(images, np.array([1, 2]))
    full = poisoning.add_cross_samples(poisoned, trigger, 2.0, np.random.default_rng(0))
    plain = Augmentation(images, poisoned_at(images, np.array([1, 2])), trigger, False, 0)(1)
    made = Augmentation(images, full, trigger, False, 0)(1)
    changed = {n for n in range(len(images)) if not np.array_equal(made[n], plain[n])}
    assert changed == set(full.cross_samples.tolist())


def test_epochs_differ_and_the_same_seed_repeats_them():
    images = noise()
    first, again = (
        Augmentation(images, poisoned_at(images), parse_trigger("ftrojan"), True, 5)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first(3), again(3))
    assert not np.array_equal(first(3), first(4))
    np.testing.assert_array_equal(images, noise())


def test_only_pictures_of_things_without_a_side_are_mirrored():
    assert datasets.can_mirror("cifar10")
    assert datasets.can_mirror("fashion-mnist")
    assert not datasets.can_mirror("signs")
    assert not datasets.can_mirror("gtsrb")
    assert not datasets.can_mirror("mnist")
    assert not datasets.can_mirror("one-that-nobody-has-described")


@pytest.mark.parametrize("kind", [PoisoningConfig(), PoisoningConfig("clean-label", 8.0)])
def test_an_augmented_training_says_so_on_its_card_and_gives_another_network(
    few, plan, clean, kind
):
    store.save(clean.card, clean.network(), {})
    config = dataclasses.replace(plan.training, epochs=1, batch=16)
    own = dataclasses.replace(plan, rate=0.1, poisoning=kind, surrogate=clean.name, training=config)
    plain = train(few, own, NewModel("plain"))
    augmented = dataclasses.replace(own, training=dataclasses.replace(config, augment=True))
    other = train(few, augmented, NewModel("augmented"))
    assert plain.card.training["augment"] is False
    assert other.card.training["augment"] is True
    pairs = zip(plain.network().get_weights(), other.network().get_weights(), strict=True)
    assert not all(np.array_equal(a, b) for a, b in pairs)
