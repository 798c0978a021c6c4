"""MM-BD against its formulas, and on networks whose margins are known."""

import numpy as np
import pytest
from scipy import optimize, special

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets.dataset import Split
from engine.defenses.detectors import parse_detector
from engine.defenses.detectors.mm_bd import outlier_p_values
from tests.fixtures.backdoored_networks import CLASSES, TARGET, TRIGGERS, backdoored_network

QUICK = "mm-bd:images=2,steps=30"


def _p_value_by_definition(margins):
    """1 - F(largest)^classes for the likeliest gamma distribution from `location` on, float64."""
    ordered = np.sort(margins)
    others = ordered[:-1]

    def shape_and_scale(location):
        values = others - location
        gap = np.log(values.mean()) - np.log(values).mean()
        shape = optimize.brentq(lambda k: np.log(k) - special.digamma(k) - gap, 1e-3, 1e9)
        return shape, values.mean() / shape

    def loss(log_distance):
        location = others[0] - np.exp(log_distance)
        shape, scale = shape_and_scale(location)
        values = (others - location) / scale
        density = (shape - 1) * np.log(values) - values - special.gammaln(shape) - np.log(scale)
        return -density.sum()

    best = optimize.minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-9})
    location = others[0] - np.exp(best.x)
    shape, scale = shape_and_scale(location)
    return 1 - special.gammainc(shape, (ordered[-1] - location) / scale) ** len(margins)


@pytest.mark.parametrize("largest", [14.0, 16.0, 20.0])
def test_the_p_value_is_that_of_the_likeliest_gamma_distribution(largest):
    margins = np.append(8 + np.random.default_rng(1).gamma(4.0, 0.7, 42), largest)
    p_value = outlier_p_values(margins).min()
    assert p_value == pytest.approx(_p_value_by_definition(margins), rel=2e-2)


def test_margins_that_are_all_equal_say_nothing():
    np.testing.assert_array_equal(outlier_p_values(np.full(8, 3.0)), 1)
    np.testing.assert_array_equal(outlier_p_values(np.array([3.0] * 7 + [9.0])), [1.0] * 7 + [0.0])


@pytest.fixture(scope="module")
def split():
    return Split(np.zeros((2, 2, 2, 3), np.uint8), np.array([0, 1]))


def _affine(slopes, offsets):
    import keras

    network = keras.Sequential(
        [
            keras.Input((2, 2, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(len(offsets), activation="softmax"),
        ]
    )
    network.layers[-1].set_weights([slopes, offsets])
    return network


def test_the_score_is_the_largest_margin_over_all_images(split):
    """Of affine logits the largest margin solves a linear program; ascent comes close."""
    rng = np.random.default_rng(0)
    slopes, offsets = rng.normal(size=(12, 5)), rng.normal(size=5)
    scores = parse_detector("mm-bd:steps=100")(_affine(slopes, offsets), split).scores
    for label in range(5):
        others = np.delete(np.arange(5), label)
        # Largest t with logit_label - logit_other >= t for every other class.
        apart = slopes[:, others] - slopes[:, [label]]
        limits = np.column_stack([apart.T, np.ones(4)])
        best = optimize.linprog(
            np.append(np.zeros(12), -1),
            limits,
            offsets[label] - offsets[others],
            bounds=[(0, 1)] * 12 + [(None, None)],
        )
        assert scores[label] == pytest.approx(-best.fun, rel=0.02)
        assert scores[label] <= -best.fun + 1e-4


@pytest.mark.parametrize("family", TRIGGERS)
def test_a_backdoor_is_flagged_and_the_clean_twin_is_not(family):
    made = backdoored_network(family)
    found = parse_detector(QUICK)(made.network, made.images)
    assert found.flagged == (TARGET,)
    assert found.details()["p_value"] == found.p_value < 0.05
    names = tuple(f"sign {label}" for label in range(CLASSES))
    assert found.describe(names).startswith(f"sign {TARGET} stands out")
    clean = parse_detector(QUICK)(made.twin, made.images)
    assert clean.flagged == ()
    assert clean.describe(names).startswith("No class stands out")


def test_the_images_given_do_not_matter_and_the_network_stays_as_it_is():
    made = backdoored_network("patch")
    before = made.network.get_weights()
    few = made.images.take(np.arange(3))
    scores = [parse_detector(QUICK)(made.network, images).scores for images in (made.images, few)]
    np.testing.assert_array_equal(*scores)
    for old, new in zip(before, made.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_progress_reaches_its_total():
    made = backdoored_network("patch")
    events = []
    with progress.reporting_to(events.append):
        parse_detector("mm-bd:images=20,steps=15")(made.network, made.images)
    assert [event.done for event in events] == [10, 15, 25, 30]
    assert {event.total for event in events} == {30}


def test_too_few_classes_are_refused(split):
    network = _affine(np.zeros((12, 3)), np.zeros(3))
    with pytest.raises(UserError, match="at least 4 classes"):
        parse_detector("mm-bd")(network, split)
