"""How sure it is that clean accuracy drops no further than tolerated."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.datasets import Split
from engine.datasets.splits import tracks_of
from engine.defenses.repairs.accuracy_budget import AccuracyBudget

LENGTHS = st.lists(st.integers(1, 6), min_size=2, max_size=12)


def drawn(lengths, seed):
    """Images read right before and after, in tracks of these lengths."""
    rng = np.random.default_rng(seed)
    tracks = np.repeat(np.arange(len(lengths)), lengths)
    return rng.random(len(tracks)) < 0.9, rng.random(len(tracks)) < 0.7, tracks


@given(LENGTHS, st.integers(0, 99), st.sampled_from([80, 95, 99]))
def test_the_limit_is_that_of_a_ratio_over_tracks_with_its_skewness(lengths, seed, confidence):
    before, after, tracks = drawn(lengths, seed)
    lost = [int(b) - int(a) for b, a in zip(before, after, strict=True)]
    drop, mean_length = sum(lost) / len(lost), len(lost) / len(lengths)
    squares = cubes = 0.0
    for track, length in enumerate(lengths):
        of_track = sum(one for one, own in zip(lost, tracks, strict=True) if own == track)
        stray = (of_track - drop * length) / mean_length
        squares, cubes = squares + stray**2, cubes + stray**3
    count, z = len(lengths), NormalDist().inv_cdf(confidence / 100)
    variance, third = squares / (count - 1), max(0.0, cubes / count)
    limit = drop + z * (variance / count) ** 0.5
    if variance > 1e-12:
        limit += third / (6 * variance * count) * (1 + 2 * z**2)
    assert AccuracyBudget(1, confidence).upper_limit(before, after, tracks) == pytest.approx(
        100 * limit
    )


@given(LENGTHS, st.integers(0, 99))
def test_without_confidence_the_limit_is_the_measured_drop_and_with_it_never_less(lengths, seed):
    before, after, tracks = drawn(lengths, seed)
    limits = [
        AccuracyBudget(1, sure).upper_limit(before, after, tracks) for sure in (50, 80, 95, 99.9)
    ]
    assert limits[0] == pytest.approx(100 * (before.mean() - after.mean()))
    assert limits == sorted(limits)


@given(LENGTHS, st.integers(0, 99), st.integers(2, 5))
def test_more_frames_of_the_same_signs_do_not_raise_confidence(lengths, seed, times):
    before, after, tracks = drawn(lengths, seed)
    more = (np.repeat(values, times) for values in (before, after, tracks))
    sure = AccuracyBudget(1, 95)
    assert sure.upper_limit(*more) == pytest.approx(sure.upper_limit(before, after, tracks))


@pytest.mark.parametrize(("share", "least", "most"), [(0.05, 1.0, 1.0), (0.1, 0.0, 0.4)])
def test_the_95_percent_limit_holds_in_95_percent_of_cases(share, least, most):
    """Of 133 tracks a few lose all of their frames, or some of them."""
    rng = np.random.default_rng(0)
    tracks, before = np.repeat(np.arange(133), 30), np.ones(133 * 30, bool)

    def holds() -> bool:
        losing = (rng.random(133) < share) * rng.uniform(least, most, 133)
        after = np.arange(30) >= 30 * losing[:, np.newaxis]
        frames = np.ceil(30 * np.linspace(least, most, 1001)).mean()  # lost of a losing track
        true = 100 * share * frames / 30
        return AccuracyBudget(5, 95).upper_limit(before, after.ravel(), tracks) >= true

    assert 0.93 <= np.mean([holds() for _ in range(1000)]) <= 0.98


def test_a_single_track_is_taken_as_measured():
    before, after = np.ones(4, bool), np.array([True, True, True, False])
    assert AccuracyBudget(1, 95).upper_limit(before, after, np.zeros(4, np.int64)) == pytest.approx(
        25
    )


@pytest.mark.parametrize(("points", "allowed"), [(24.9, False), (25, True), (25.1, True)])
def test_the_tolerated_drop_itself_is_allowed(points, allowed):
    before, after = np.ones(4, bool), np.array([True, True, True, False])
    assert AccuracyBudget(points).allows(before, after, np.arange(4)) == allowed


def test_track_numbers_are_unique_within_a_class_only():
    images = np.zeros((5, 1, 1, 3), np.uint8)
    labels, numbers = np.array([0, 0, 1, 1, 0]), np.array([3, 7, 3, 3, 3])
    assert tracks_of(Split(images, labels, numbers)).tolist() == [0, 1, 2, 2, 0]
    assert tracks_of(Split(images, labels)).tolist() == [0, 1, 2, 3, 4]
