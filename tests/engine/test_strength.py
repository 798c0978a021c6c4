"""The one rule that decides how strong a repair is."""

import inspect
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import evaluation, repairs
from engine.datasets import Split
from engine.errors import LabError
from engine.progress import Work, exhaust
from engine.pruning import surgery
from engine.pruning.sites import find_sites
from engine.repairs import strength
from engine.repairs.tolerance import Tolerance, tracks_of


@given(st.integers(2, 6), st.integers(1, 8), st.integers(1, 5))
def test_no_track_is_learned_from_and_judged_on(classes, tracks, frames):
    labels = np.repeat(np.arange(classes), tracks * frames)
    numbers = np.tile(np.repeat(np.arange(tracks), frames), classes)
    images = np.zeros((len(labels), 1, 1, 3), np.uint8)
    halves = strength.halves(Split(images, labels, numbers))
    seen = [set(zip(labels[part], numbers[part], strict=True)) for part in halves]
    assert not seen[0] & seen[1]
    assert sorted(np.concatenate(halves)) == list(range(len(labels)))
    assert abs(len(seen[0]) - len(seen[1])) <= 1
    if tracks > 1:
        assert set(labels[halves[0]]) == set(labels[halves[1]]) == set(range(classes))


def test_too_few_images_are_refused():
    with pytest.raises(LabError, match="too few"):
        strength.halves(Split(np.zeros((1, 1, 1, 3), np.uint8), np.array([0])))


class Reading(keras.Model):
    """Reads each image as the class that its first value names, but for a share it gets wrong."""

    def __init__(self, wrong: float) -> None:
        super().__init__()
        self.wrong = wrong

    def call(self, images):
        hundredths = keras.ops.round(images[:, 0, 0, 0] * 255)
        read = keras.ops.where(hundredths < 100 * self.wrong, 1, 0)
        return keras.ops.one_hot(read, 2)


def numbered() -> Split:
    """A hundred images of class 0; the first value of each is its number."""
    images = np.zeros((100, 1, 1, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(100)
    return Split(images, np.zeros(100, np.int64))


@pytest.fixture
def reading(monkeypatch):
    """What a `Reading` reads right, without the signature that `networks.compiled` asks for."""

    def right(model: Reading, split: Split) -> Work[np.ndarray]:
        read = np.asarray(model.call(split.images.astype(np.float32) / 255)).argmax(axis=1)
        yield from ()
        return read == split.labels

    monkeypatch.setattr(evaluation, "read_right", right)
    monkeypatch.setattr(strength.surgery, "copied", lambda model: model)


@pytest.mark.parametrize(
    ("tolerated", "chosen", "tried"),
    [(50, 0.4, 1), (20, 0.2, 2), (19.9, 0.05, 3), (1, None, 3)],
)
def test_the_strongest_setting_within_the_tolerance_is_kept(reading, tolerated, chosen, tried):
    learned = []

    def attempt(wrong: float, fitting: Split) -> Work[Reading]:
        yield from ()
        learned.append((wrong, set(fitting.images[:, 0, 0, 0])))
        return Reading(wrong)

    _, choice = exhaust(
        strength.strongest(
            Reading(0.0), numbered(), Tolerance(tolerated), (0.4, 0.2, 0.05), attempt
        )
    )
    assert choice.setting == chosen
    assert len(choice.tried) == tried
    assert choice.before == 100
    assert choice.after == pytest.approx(100 if chosen is None else 100 - 100 * chosen)
    if chosen is not None:
        first, second, final = (images for wrong, images in learned if wrong == chosen)
        assert not first & second, "one half judges the other"
        assert final == first | second == set(range(100)), "the network given learns from all"


@pytest.mark.parametrize(
    ("tolerance", "chosen"),
    [
        (Tolerance(20, 50), 0.2),
        (Tolerance(20, 95), 0.05),
        (Tolerance(11, 95), 0.05),
        (Tolerance(11, 99.9), None),
    ],
)
def test_the_surer_it_is_to_be_the_milder_the_setting(reading, tolerance, chosen):
    """Of 100 images 20 lost may be 27 points at 95 %; 5 lost may be 9, at 99.9 % 12."""

    def attempt(wrong: float, fitting: Split) -> Work[Reading]:
        yield from ()
        return Reading(wrong)

    _, choice = exhaust(
        strength.strongest(Reading(0.0), numbered(), tolerance, (0.4, 0.2, 0.05), attempt)
    )
    assert choice.setting == chosen


def test_a_setting_that_only_images_learned_from_bear_is_not_kept(reading):
    """Half of the images are read right just where they were learned from."""

    class Memorising(Reading):
        def __init__(self, fitting: Split) -> None:
            super().__init__(0.0)
            self.known = set(fitting.images[:, 0, 0, 0])

        def call(self, images):
            numbers = np.rint(np.asarray(images)[:, 0, 0, 0] * 255)
            right = np.isin(numbers, list(self.known)) | (numbers < 50)
            return np.eye(2)[np.where(right, 0, 1)]

    def attempt(setting: str, fitting: Split) -> Work[Reading]:
        yield from ()
        return Memorising(fitting)

    _, choice = exhaust(
        strength.strongest(Reading(0.0), numbered(), Tolerance(1.0), ["by heart"], attempt)
    )
    assert choice.setting is None
    ((_, accuracy),) = choice.tried
    assert accuracy < 80


def test_the_network_goes_as_far_towards_what_it_learned_as_the_plain_loop_allows(trained, dataset):
    network, judging = trained.network(), dataset.validation
    start, taught = network.get_weights(), []

    def mark(images: Split) -> int:
        return int(images.images.sum())  # tells the halves apart, which are of one size

    def end_for(fitting: Split) -> list[np.ndarray]:
        rng = np.random.default_rng(mark(fitting))
        return [old * np.exp(0.35 * rng.normal(size=old.shape)) for old in start]

    def learn(fitting: Split) -> Work[keras.Model]:
        yield from ()
        taught.append(mark(fitting))
        learned = surgery.copied(network)
        learned.set_weights(end_for(fitting))
        return learned

    candidate = surgery.copied(network)

    def right(share: float, fitting: Split, split: Split) -> int:
        ends = zip(start, end_for(fitting), strict=True)
        candidate.set_weights([old + share * (new - old) for old, new in ends])
        return int(np.sum(evaluation.predict(candidate, split.images) == split.labels))

    first, second = map(judging.take, strength.halves(judging))
    least = right(0, judging, judging) - 0.05 * len(judging)
    within = [
        share
        for share in (tenths / 10 for tenths in range(1, 11))
        if right(share, first, second) + right(share, second, first) >= least
        and right(share, judging, judging) >= least
    ]
    assert within and max(within) < 1, "or the loop would show nothing"

    moved, choice = exhaust(strength.furthest(network, judging, Tolerance(5.0), learn))
    assert choice.setting == max(within)
    for old, new, found in zip(start, end_for(judging), moved.get_weights(), strict=True):
        np.testing.assert_allclose(found, old + choice.setting * (new - old), atol=1e-5)
    assert sorted(taught) == sorted(map(mark, (first, second, judging))), "each learned from once"
    for old, kept in zip(start, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, kept)


@pytest.mark.parametrize("confidence", [50, 95])
def test_as_many_channels_go_as_the_plain_loop_allows(trained, dataset, confidence):
    network, judging = trained.network(), dataset.validation
    ranked = [(site, c) for site in find_sites(network) for c in range(site.channels)]
    tolerance = Tolerance(5.0, confidence)
    _, removed, choice = exhaust(strength.most_channels(network, ranked, judging, tolerance))
    before = evaluation.predict(network, judging.images) == judging.labels
    candidate, within = surgery.copied(network), [0]
    for count, accuracy in choice.tried:
        for site, channel in ranked[:count]:
            surgery.silence(candidate, {site: [channel]})
        after = evaluation.predict(candidate, judging.images) == judging.labels
        assert 100 * after.mean() == pytest.approx(accuracy)
        if tolerance.allows(before, after, tracks_of(judging)):
            within.append(count)
    assert 0 < max(within) < choice.tried[-1][0], "or the loop would show nothing"
    assert choice.setting == max(within)
    assert sum(len(channels) for channels in removed.values()) == choice.setting


def test_no_repair_can_be_handed_a_triggered_image():
    for kind in repairs.REPAIRS.values():
        handed = list(inspect.signature(kind.__call__).parameters)
        assert handed == ["self", "network", "validation"], kind.name
        assert not {"trigger", "target"} & set(kind.parameters()), kind.name


def test_channels_go_only_as_far_as_orders_learned_from_one_half_stand_on_the_other(
    trained, dataset
):
    network, images = trained.network(), dataset.validation
    ranked = [(site, c) for site in find_sites(network) for c in range(site.channels)]
    first, second = strength.halves(images)
    crosswise = [(ranked[::-1], first), (ranked[::-1], second)]

    def gone(order: strength.Ranked, crosswise: Any = ()) -> int:
        _, _, choice = exhaust(
            strength.most_channels(network, order, images, Tolerance(5.0), crosswise)
        )
        return choice.setting

    both = gone(ranked, crosswise)
    assert both <= min(gone(ranked), gone(ranked[::-1]))


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "Nothing was changed: a single channel less costs too much accuracy."),
        (1, "1 channel switched off, the worst."),
        (7, "7 channels switched off, the worst."),
    ],
)
def test_what_went_is_told_in_a_sentence(count, told):
    assert strength.switched_off(strength.Choice(count, 90.0, 90.0, ()), "the worst") == told


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (None, "Nothing was changed: not a tenth of the way kept clean accuracy."),
        (0.3, "Trained on, and 30% of the way taken."),
        (1.0, "Trained on, and 100% of the way taken."),
    ],
)
def test_how_far_it_went_is_told_in_a_sentence(share, told):
    assert strength.way_taken(strength.Choice(share, 90.0, 90.0, ()), "Trained on") == told
