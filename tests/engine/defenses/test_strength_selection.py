"""The one rule that decides how strong a repair is."""

import inspect

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import UserError
from engine.datasets import Split
from engine.defenses import repairs
from engine.defenses.repairs import strength_selection
from engine.defenses.repairs.accuracy_budget import AccuracyBudget
from engine.evaluation import metrics
from engine.networks.channels import find_prunable_layers


@given(st.integers(2, 6), st.integers(1, 8), st.integers(1, 5))
def test_no_track_is_in_both_halves(classes, tracks, frames):
    labels = np.repeat(np.arange(classes), tracks * frames)
    numbers = np.tile(np.repeat(np.arange(tracks), frames), classes)
    images = np.zeros((len(labels), 1, 1, 3), np.uint8)
    halves = strength_selection.split_in_halves(Split(images, labels, numbers))
    seen = [set(zip(labels[part], numbers[part], strict=True)) for part in halves]
    assert not seen[0] & seen[1]
    assert sorted(np.concatenate(halves)) == list(range(len(labels)))
    assert abs(len(seen[0]) - len(seen[1])) <= 1
    if tracks > 1:
        assert set(labels[halves[0]]) == set(labels[halves[1]]) == set(range(classes))


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match="too few"):
        strength_selection.split_in_halves(Split(np.zeros((1, 1, 1, 3), np.uint8), np.array([0])))


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
    """What a `Reading` classifies correctly, without the signature `compiled` asks for."""

    def right(model: Reading, split: Split) -> np.ndarray:
        read = np.asarray(model.call(split.images.astype(np.float32) / 255)).argmax(axis=1)
        return read == split.labels

    monkeypatch.setattr(metrics, "correctly_classified", right)
    monkeypatch.setattr(strength_selection.edit, "clone_network", lambda model: model)


@pytest.mark.parametrize(
    ("max_accuracy_drop", "chosen", "tried"),
    [(50, 0.4, 1), (20, 0.2, 2), (19.9, 0.05, 3), (1, None, 3)],
)
def test_the_strongest_setting_within_the_accuracy_budget_is_selected(
    reading, max_accuracy_drop, chosen, tried
):
    learned = []

    def attempt(wrong: float, fitting: Split) -> Reading:
        learned.append((wrong, set(fitting.images[:, 0, 0, 0])))
        return Reading(wrong)

    _, choice = strength_selection.select_strongest(
        Reading(0.0), numbered(), AccuracyBudget(max_accuracy_drop), (0.4, 0.2, 0.05), attempt
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
    ("budget", "chosen"),
    [
        (AccuracyBudget(20, 50), 0.2),
        (AccuracyBudget(20, 95), 0.05),
        (AccuracyBudget(11, 95), 0.05),
        (AccuracyBudget(11, 99.9), None),
    ],
)
def test_higher_confidence_selects_a_milder_setting(reading, budget, chosen):
    """Of 100 images 20 lost may be 27 points at 95 %; 5 lost may be 9, at 99.9 % 12."""

    def attempt(wrong: float, fitting: Split) -> Reading:
        return Reading(wrong)

    _, choice = strength_selection.select_strongest(
        Reading(0.0), numbered(), budget, (0.4, 0.2, 0.05), attempt
    )
    assert choice.setting == chosen


def test_a_setting_that_works_only_on_the_fitting_images_is_not_selected(reading):
    """Half of the images are read right just where they were learned from."""

    class Memorising(Reading):
        def __init__(self, fitting: Split) -> None:
            super().__init__(0.0)
            self.known = set(fitting.images[:, 0, 0, 0])

        def call(self, images):
            numbers = np.rint(np.asarray(images)[:, 0, 0, 0] * 255)
            right = np.isin(numbers, list(self.known)) | (numbers < 50)
            return np.eye(2)[np.where(right, 0, 1)]

    def attempt(setting: str, fitting: Split) -> Reading:
        return Memorising(fitting)

    _, choice = strength_selection.select_strongest(
        Reading(0.0), numbered(), AccuracyBudget(1.0), ["by heart"], attempt
    )
    assert choice.setting is None
    ((_, accuracy),) = choice.tried
    assert accuracy < 80


def linear(slope: float, offset: float) -> keras.Model:
    """Reads image `n` of `numbered` as class 1, which is wrong, where slope * n + offset > 0."""
    network = keras.Sequential(
        [keras.Input((1, 1, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    kernel = np.zeros((3, 2))
    kernel[0, 1] = 255 * slope
    network.set_weights([kernel, np.array([0, offset])])
    return network


@pytest.mark.parametrize(("points", "share"), [(60, 0.9), (30, 0.6), (12, 0.5), (5, 0.4)])
def test_weights_are_interpolated_as_far_as_a_plain_loop_allows(points, share):
    """A share s of the way, image n is read wrong where s * (limit - n) > (1 - s) * 50."""
    images, fitted_on = numbered(), []

    def limit(fitting: Split) -> float:
        return {0: 60.5}.get(100 - len(fitting), 59.5 + fitting.images[0, 0, 0, 0] % 2)

    def learn(fitting: Split) -> keras.Model:
        fitted_on.append(set(fitting.images[:, 0, 0, 0]))
        return linear(-1, limit(fitting))

    def wrong(share: float, fitting: Split, scoring: Split) -> int:
        numbers = scoring.images[:, 0, 0, 0].astype(float)
        return int(np.sum(share * (limit(fitting) - numbers) > (1 - share) * 50))

    first, second = map(images.take, strength_selection.split_in_halves(images))
    within = [
        share
        for share in (tenths / 10 for tenths in range(1, 11))
        if wrong(share, first, second) + wrong(share, second, first) <= points
        and wrong(share, images, images) <= points
    ]
    assert max(within) == share

    network = linear(0, -50)
    moved, choice = strength_selection.interpolate_weights(
        network, images, AccuracyBudget(points), learn
    )
    assert choice.setting == share
    kernel, bias = moved.get_weights()
    assert kernel[0, 1] == pytest.approx(-255 * share)
    assert bias[1] == pytest.approx((1 - share) * -50 + share * 60.5)
    everything = set(images.images[:, 0, 0, 0])
    parts = [set(part.images[:, 0, 0, 0]) for part in (first, second)]
    assert sorted(map(sorted, fitted_on)) == sorted(map(sorted, [*parts, everything]))
    np.testing.assert_array_equal(network.get_weights()[1], [0, -50])


CHANNELS, EACH = 20, 5


def supported() -> keras.Model:
    """Reads an image with only pixel `n` lit as class 0 while channel n // 5 is there, else as 1.

    So each channel that goes costs five of the hundred images of `lit`.
    """
    network = keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            keras.layers.Conv2D(CHANNELS, 1, activation="relu", name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    pixels = np.arange(CHANNELS * EACH)
    dense = np.zeros((len(pixels), CHANNELS, 2))
    dense[pixels, pixels // EACH, 0] = 1
    kernel = np.full((1, 1, 3, CHANNELS), 1 / 3)
    network.set_weights([kernel, np.zeros(CHANNELS), dense.reshape(-1, 2), np.array([0, 0.5])])
    return network


def lit() -> Split:
    """A hundred images of class 0, each with another pixel lit."""
    images = np.zeros((100, 100, 3), np.uint8)
    images[np.arange(100), np.arange(100)] = 255
    return Split(images.reshape(100, 10, 10, 3), np.zeros(100, np.int64))


@pytest.mark.parametrize(
    ("budget", "gone"),
    [
        (AccuracyBudget(12), 2),
        (AccuracyBudget(15), 3),
        (AccuracyBudget(5, 95), 0),
        (AccuracyBudget(10, 95), 1),
        (AccuracyBudget(17, 95), 2),
        (AccuracyBudget(23, 95), 3),
    ],
)
def test_as_many_channels_are_pruned_as_a_plain_loop_allows(budget, gone):
    """Of a hundred images 5, 10 and 15 lost may be 9.7, 16.2 and 22.2 points at 95 %."""
    network, images = supported(), lit()
    (prunable,) = find_prunable_layers(network)
    order = np.random.default_rng(0).permutation(CHANNELS)
    ranked = [(prunable, int(channel)) for channel in order]
    repaired, removed, choice = strength_selection.prune_within_budget(
        network, ranked, images, budget
    )
    assert choice.setting == gone
    assert [(count, after) for count, after in choice.tried[:3]] == [(1, 95), (2, 90), (3, 85)]
    silenced = sorted(order[:gone].tolist())
    assert removed == ({"conv": silenced} if gone else {})
    read = metrics.predict(repaired, images.images)
    np.testing.assert_array_equal(read == 1, np.isin(np.arange(100) // EACH, silenced))
    assert (metrics.predict(network, images.images) == 0).all(), "left as it was"


def test_no_repair_can_be_handed_a_triggered_image():
    for kind in repairs.REPAIRS.values():
        handed = list(inspect.signature(kind.__call__).parameters)
        assert handed == ["self", "network", "validation"], kind.name
        assert not {"trigger", "target"} & set(kind.parameters()), kind.name


def test_channels_are_pruned_only_as_far_as_orders_from_one_half_hold_on_the_other():
    """Of what the whole is to lose first, nothing; of what each half teaches, all that it can."""
    network, images = supported(), lit()
    (prunable,) = find_prunable_layers(network)
    ranked = [(prunable, channel) for channel in range(CHANNELS)]
    first, second = strength_selection.split_in_halves(images)
    least_for = [  # the channels that cost this half least go first
        sorted(range(CHANNELS), key=lambda channel, half=half: np.sum(half // EACH == channel))
        for half in (first, second)
    ]
    crosswise = [
        ([(prunable, channel) for channel in order], scoring)
        for order, scoring in zip(least_for, (second, first), strict=True)
    ]

    def lost(count: int) -> int:
        """Images of one half that the other half's order costs."""
        return sum(
            int(np.isin(scoring // EACH, order[:count]).sum())
            for order, scoring in zip(least_for, (second, first), strict=True)
        )

    budget = AccuracyBudget(20.0)
    within = [count for count in range(1, 8) if max(lost(count), EACH * count) <= 20]
    _, _, alone = strength_selection.prune_within_budget(network, ranked, images, budget)
    _, _, both = strength_selection.prune_within_budget(network, ranked, images, budget, crosswise)
    assert (alone.setting, both.setting) == (4, max(within))
    assert both.setting < alone.setting


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "Nothing was changed: pruning a single channel costs too much accuracy."),
        (1, "1 channel pruned, the worst."),
        (7, "7 channels pruned, the worst."),
    ],
)
def test_a_sentence_says_how_many_channels_were_pruned(count, told):
    assert (
        strength_selection.describe_pruning(
            strength_selection.StrengthChoice(count, 90.0, 90.0, ()), "the worst"
        )
        == told
    )


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (None, "Nothing was changed: even a tenth of the way costs too much accuracy."),
        (0.3, "Trained on; weights moved 30% of the way."),
        (1.0, "Trained on; weights moved 100% of the way."),
    ],
)
def test_a_sentence_says_how_far_the_weights_moved(share, told):
    assert (
        strength_selection.describe_interpolation(
            strength_selection.StrengthChoice(share, 90.0, 90.0, ()), "Trained on"
        )
        == told
    )
