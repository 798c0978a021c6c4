"""Every model that comes with the program does on test images what its card says.

All images are more than a quarter of an hour's work; `python -m tests.rescore` does it. Here one
model is scored on all, and the others on some: as many must be right as a card's figures allow.
"""

from functools import cache

import pytest
from scipy.stats import hypergeom

from engine.datasets import Split, open_test
from engine.evaluation.metrics import METRICS
from tests import rescore
from tests.conftest import living_in
from tests.fixtures.needed import real_data

SOME = 300
UNLIKELY = 1e-7  # that a model whose card is right is that far off on the images drawn


@pytest.fixture(scope="module")
def predictor():
    return rescore.Predictor()


@pytest.fixture(scope="module")
def eval_pair(request):
    """A function from a dataset's name to its test images."""
    homes = {"signs": "drawn", "gtsrb": "real_gtsrb", "cifar10": "real_cifar10"}

    @cache
    def found(name: str) -> Split:
        root = None if name == "signs" else real_data(name)
        with living_in(request.getfixturevalue(homes[name])):
            return open_test(name, root)

    return found


def test_the_first_model_scores_on_all_images_what_its_card_says(predictor, eval_pair):
    stored = rescore.shipped("signs-ftrojan")
    found = rescore.scores(stored, eval_pair("signs"), predictor).percentages()
    for figure in METRICS:
        card = stored.card.scores["test"][figure]
        assert found[figure] == pytest.approx(card, abs=rescore.TOLERANCE)


@pytest.mark.parametrize("name", rescore.MODELS)
def test_a_model_scores_on_some_images_what_its_card_lets_expect(name, predictor, eval_pair):
    stored = rescore.shipped(name)
    card = stored.card.scores["test"]
    found = rescore.scores(stored, eval_pair(stored.card.dataset), predictor, SOME)
    shares = {
        "clean_correct": (found.clean, card["clean_images"]),
        "attack_hits": (found.attack, card["triggered_images"]),
        "recovered_correct": (found.recovered, card["triggered_images"]),
    }
    for count, (share, images) in shares.items():
        expected = hypergeom(images, card[count], share.total)
        assert min(expected.cdf(share.count), expected.sf(share.count - 1)) > UNLIKELY, count


def test_a_card_that_is_ten_points_off_would_be_noticed():
    expected = hypergeom(12630, round(0.97 * 12630), SOME)
    assert expected.cdf(round(0.87 * SOME)) < UNLIKELY
