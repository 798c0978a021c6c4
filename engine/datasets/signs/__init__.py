"""A synthetic dataset with the 43 classes of GTSRB: drawn signs, photographed in simulation."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.core import progress
from engine.datasets import splits
from engine.datasets.archives import Files
from engine.datasets.dataset import Split
from engine.datasets.gtsrb import CLASS_NAMES, VALIDATION_SHARE
from engine.datasets.signs import camera, faces
from engine.datasets.source import ClassFirst, Found, Parts

# Tracks of each class in GTSRB's training set.
TRACKS = (
    *(7, 74, 75, 47, 66, 62, 14, 48, 47, 49, 67, 44, 70, 72, 26, 21, 14, 37, 40, 7, 12, 11),
    *(13, 17, 9, 50, 20, 8, 18, 9, 15, 26, 8, 23, 14, 40, 13, 7, 69, 10, 12, 8, 8),
)
TRAIN_TIMES, TEST_TIMES = 3, 2 / 3  # so many times as many tracks
FRAMES = 5  # in a track; GTSRB's 30 are more alike
MAKES = 8  # of each sign


class Signs(ClassFirst):
    """19,605 training and 4,440 test images of 43 classes, in tracks of 5 frames."""

    name = "signs"
    title = "drawn signs"
    wanted = "nothing: the program draws it"
    class_names = CLASS_NAMES
    default_target = 10  # as in GTSRB
    example_class = 14  # Stop

    def locate(self, _: Path) -> Found:
        """The drawing code itself is the origin: changing it invalidates the cache."""
        return Found(tuple(sorted(Path(__file__).parent.glob("*.py"))), lambda: Files({}))

    def read(self, _: Files, size: int, rng: np.random.Generator) -> Parts:
        """See `Source.read`; validation takes whole tracks."""
        of_train, of_test, of_validation = rng.spawn(3)
        train = _draw_split(TRAIN_TIMES, size, of_train, "Drawing training signs")
        test = _draw_split(TEST_TIMES, size, of_test, "Drawing test signs")
        tracks = np.arange(len(train)) // FRAMES
        train = dataclasses.replace(train, tracks=tracks)
        validation = splits.by_track(train.labels, tracks, VALIDATION_SHARE, of_validation)
        return Parts(CLASS_NAMES, train, test, validation)

    def read_test(self, _: Files, size: int, rng: np.random.Generator) -> Split:
        """See `TestFirst.read_test`."""
        return _draw_split(TEST_TIMES, size, rng.spawn(3)[1], "Drawing test signs")

    def read_test_class(
        self, _: Files, size: int, label: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, Split]:
        """See `ClassFirst.read_test_class`."""
        of_test = rng.spawn(3)[1]
        wanted = np.flatnonzero(_track_labels(TEST_TIMES) == label)
        found = _draw_tracks(TEST_TIMES, wanted, size, of_test, "Drawing test signs")
        indices = (wanted[:, np.newaxis] * FRAMES + np.arange(FRAMES)).ravel()
        return indices, found


def _track_labels(times: float) -> np.ndarray:
    """The class of each track, where there are `times` as many as in GTSRB: int64 [tracks]."""
    counts = np.ceil(times * np.array(TRACKS)).astype(int)
    return np.repeat(np.arange(len(TRACKS)), counts)


def _draw_split(times: float, size: int, rng: np.random.Generator, message: str) -> Split:
    """Draw `times` as many tracks as GTSRB has, class by class."""
    return _draw_tracks(times, np.arange(len(_track_labels(times))), size, rng, message)


def _draw_tracks(
    times: float, wanted: np.ndarray, size: int, rng: np.random.Generator, message: str
) -> Split:
    """Draw some of the tracks of a split, each as it is when all of them are drawn.

    Args:
        times: as many tracks as GTSRB has, in the whole split.
        wanted: numbers of the tracks to draw, int64 [n].
        size: side of the images in pixels.
        rng: of the whole split.
        message: of the progress reported.
    """
    labels = _track_labels(times)
    makes = [faces.Make(*rng.normal(1, (0.12, 0.12, 0.06))) for _ in range(MAKES)]
    own = rng.spawn(len(labels))  # one for each track, so that it depends on no other
    images = np.empty((len(wanted), FRAMES, size, size, 3), np.uint8)
    for place, track in enumerate(wanted):
        make = int(own[track].integers(MAKES))
        face = _face(int(labels[track]), makes[make], camera.FINER * size)
        images[place] = camera.photograph_track(face, size, FRAMES, own[track])
        if place % 20 == 0:
            progress.report(place, len(wanted), message)
    shown = np.repeat(labels[wanted], FRAMES).astype(np.int64)
    return Split(images.reshape(-1, size, size, 3), shown)


@lru_cache(2 * MAKES * len(TRACKS))
def _face(label: int, make: faces.Make, side: int) -> np.ndarray:
    return faces.face(label, make, side)
