"""The image that is watched during a training: which one it is, and what is recorded of it."""

import json

import numpy as np
import pytest

from engine.datasets import Split
from engine.evaluation.metrics import poison_split
from engine.evaluation.targets import NEXT_CLASS
from engine.training import watched_image
from engine.training.watched_image import MAX_SIDE, WatchedImage, WatchedRecord

NAMES = ("Stop", "Give way", "Keep left", "Keep right")


def split(side: int = 8) -> Split:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (40, side, side, 3)).astype(np.uint8)
    return Split(images, np.arange(40) % 4)


def inverted(images):
    return 255 - images


@pytest.mark.parametrize(
    ("example", "target", "label", "led_to"),
    [(2, 1, 2, 1), (1, NEXT_CLASS, 1, 2), (3, NEXT_CLASS, 3, 0)],
)
def test_it_shows_the_example_class_and_the_triggered_copy_is_of_the_same_image(
    example, target, label, led_to
):
    clean = split()
    found = watched_image.choose(
        clean, poison_split(clean, inverted, target), target, example, NAMES
    )
    assert (found.label, found.target) == (label, led_to)
    assert np.array_equal(found.triggered, 255 - found.clean)
    assert any(np.array_equal(found.clean, image) for image in clean.images[clean.labels == label])


def test_another_class_is_watched_if_the_example_class_is_the_target():
    clean = split()
    found = watched_image.choose(clean, poison_split(clean, inverted, 2), 2, 2, NAMES)
    assert found.label != 2 and found.target == 2


def figures(side: int = 8, targets: tuple[bool, ...] = (False, True)) -> dict:
    image = split(side).images[0]
    watched = WatchedImage(image, inverted(image), 0, 1, NAMES)
    rows = [
        {
            "epoch": epoch + 0.5,
            "clean": watched.likeliest(np.array([0.7, 0.1, 0.15, 0.05])),
            "triggered": watched.likeliest(np.eye(4)[1 if hit else 0]),
        }
        for epoch, hit in enumerate(targets)
    ]
    written = {"watched_image": watched.record(), "watched_predictions": rows}
    return json.loads(json.dumps(written))


def test_the_page_reads_what_the_training_wrote():
    record = WatchedRecord.read(figures())
    assert record is not None and (record.name, record.target) == ("Stop", "Give way")
    assert np.array_equal(record.clean, split().images[0])
    assert np.array_equal(record.triggered, 255 - record.clean)
    names = [name for name, _ in record.predictions[0].clean]
    assert names == ["Stop", "Keep left", "Give way"]


@pytest.mark.parametrize(
    ("targets", "since"),
    [((), None), ((False, False), None), ((True, True), 0.5), ((True, False, True), 2.5)],
)
def test_the_trigger_works_since_the_last_run_of_hits_began(targets, since):
    record = WatchedRecord.read(figures(targets=targets))
    assert record is not None and record.works_since() == since


def test_a_large_image_is_reduced_so_that_a_status_can_hold_it():
    record = WatchedRecord.read(figures(side=200))
    assert record is not None and record.clean.shape == (MAX_SIDE, MAX_SIDE, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"watched_image": None},
        {"watched_image": {"clean": 1}},
        {"watched_predictions": 5},
        {"watched_predictions": [{"epoch": 1, "clean": [{"name": "x", "probability": 7}]}]},
    ],
)
def test_what_is_not_well_formed_is_not_shown(change):
    assert WatchedRecord.read(figures() | change) is None


@pytest.mark.parametrize("shape", [[8, 8, 4], [9, 9, 3], [0, 0, 3], [8], "8", [10**9, 1, 3]])
def test_an_image_of_another_size_than_its_pixels_is_not_shown(shape):
    found = figures()
    found["watched_image"]["clean"]["shape"] = shape
    assert WatchedRecord.read(found) is None
