"""The one rule that decides how strong a repair is."""

import inspect

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


@given(st.integers(2, 6), st.integers(1, 8), st.integers(1, 5))
def test_no_track_is_learned_from_and_judged_on(classes, tracks, frames):
    labels = np.repeat(np.arange(classes), tracks * frames)
    numbers = np.tile(np.repeat(np.arange(tracks), frames), classes)
    images = np.zeros((len(labels), 1, 1, 3), np.uint8)
    halves = strength.halved(Split(images, labels, numbers))
    seen = [set(zip(part.labels, part.tracks, strict=True)) for part in halves]
    assert not seen[0] & seen[1]
    assert sum(map(len, halves)) == len(labels)
    assert abs(len(seen[0]) - len(seen[1])) <= 1
    if tracks > 1:
        assert set(halves[0].labels) == set(halves[1].labels) == set(range(classes))


def test_too_few_images_are_refused():
    with pytest.raises(LabError, match="too few"):
        strength.halved(Split(np.zeros((1, 1, 1, 3), np.uint8), np.array([0])))


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
    """Accuracy of a `Reading`, without the signature that `networks.compiled` asks for."""

    def accuracy(model: Reading, split: Split) -> Work[float]:
        read = np.asarray(model.call(split.images.astype(np.float32) / 255)).argmax(axis=1)
        yield from ()
        return 100 * float(np.mean(read == split.labels))

    monkeypatch.setattr(evaluation, "clean_accuracy", accuracy)
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
        strength.strongest(Reading(0.0), numbered(), tolerated, (0.4, 0.2, 0.05), attempt)
    )
    assert choice.setting == chosen
    assert len(choice.tried) == tried
    assert choice.before == 100
    assert choice.after == pytest.approx(100 if chosen is None else 100 - 100 * chosen)
    if chosen is not None:
        first, second, final = (images for wrong, images in learned if wrong == chosen)
        assert not first & second, "one half judges the other"
        assert final == first | second == set(range(100)), "the network given learns from all"


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

    _, choice = exhaust(strength.strongest(Reading(0.0), numbered(), 1.0, ["by heart"], attempt))
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

    first, second = strength.halved(judging)
    least = right(0, judging, judging) - 0.05 * len(judging)
    within = [
        share
        for share in (tenths / 10 for tenths in range(1, 11))
        if right(share, first, second) + right(share, second, first) >= least
        and right(share, judging, judging) >= least
    ]
    assert within and max(within) < 1, "or the loop would show nothing"

    moved, choice = exhaust(strength.furthest(network, judging, 5.0, learn))
    assert choice.setting == max(within)
    for old, new, found in zip(start, end_for(judging), moved.get_weights(), strict=True):
        np.testing.assert_allclose(found, old + choice.setting * (new - old), atol=1e-5)
    assert sorted(taught) == sorted(map(mark, (first, second, judging))), "each learned from once"
    for old, kept in zip(start, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, kept)


def test_as_many_channels_go_as_the_plain_loop_allows(trained, dataset):
    network, judging = trained.network(), dataset.validation
    ranked = [(site, c) for site in find_sites(network) for c in range(site.channels)][::7]
    _, removed, choice = exhaust(strength.most_channels(network, ranked, judging, 5.0))
    before = evaluation.predict(network, judging.images)
    allowed = 100 * np.mean(before == judging.labels) - 5.0
    within = [count for count, accuracy in choice.tried if accuracy >= allowed - 1e-9]
    assert choice.setting == max(within, default=0)
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
    halves = strength.halved(images)
    crosswise = [(ranked[::-1], halves[0]), (ranked[::-1], halves[1])]
    _, _, alone = exhaust(strength.most_channels(network, ranked, images, 5.0))
    _, _, backwards = exhaust(strength.most_channels(network, ranked[::-1], images, 5.0))
    _, _, both = exhaust(strength.most_channels(network, ranked, images, 5.0, crosswise))
    assert both.setting <= min(alone.setting, backwards.setting)


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
