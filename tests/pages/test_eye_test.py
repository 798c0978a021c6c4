"""Drawing the pairs of the eye test, and scoring the answers."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import caches
from app.views.triggers.eye_game import (
    BRIGHT,
    PAIRS,
    Game,
    Pair,
    draw,
    guessing_probability,
    interpret,
    read_code,
)
from app.views.triggers.eye_test import pictures
from engine.attacks.triggers.badnets import BadNets
from engine.attacks.triggers.bpp import BppAttack

IMAGES = np.random.default_rng(0).integers(0, 250, (60, 16, 16, 3), np.uint8)
seeds = st.integers(0, 2**32 - 1)


def game(sides: list[bool], answers: list[bool]) -> Game:
    pairs = tuple(Pair(index, side) for index, side in enumerate(sides))
    return Game("signs", 32, "badnets", 0, pairs, tuple(answers))


@given(seeds)
def test_ten_different_images_the_same_for_the_same_seed(seed):
    pairs = draw(seed, IMAGES, BadNets())
    assert len(pairs) == len({pair.index for pair in pairs}) == PAIRS
    assert all(0 <= pair.index < len(IMAGES) for pair in pairs)
    assert pairs == draw(seed, IMAGES, BadNets())


def test_the_triggered_one_stands_on_either_side_about_as_often_at_every_place():
    drawn = [draw(seed, IMAGES, BadNets()) for seed in range(400)]
    left = np.mean([[pair.triggered_left for pair in pairs] for pairs in drawn], axis=0)
    # Four standard deviations of a fair coin thrown 400 times.
    assert (np.abs(left - 0.5) < 0.1).all()


@given(seeds)
def test_images_that_the_trigger_does_not_change_are_skipped(seed):
    images = IMAGES.copy()
    images[::2] = 255  # a white patch on white
    pairs = draw(seed, images, BadNets())
    assert pairs and all(pair.index % 2 for pair in pairs)
    assert draw(seed, images, BppAttack(levels=256)) == ()


@given(seeds)
def test_dark_and_flat_images_are_skipped_as_long_as_there_are_others(seed):
    images = IMAGES.copy()
    images[::2] //= 10
    images[1::4] = 200
    clear = {pair.index for pair in draw(seed, images, BadNets())}
    assert len(clear) == PAIRS and all(index % 4 == 3 for index in clear)
    assert images[list(clear)].mean() > BRIGHT
    assert len(draw(seed, images // 10, BadNets())) == PAIRS, "of images that are all dark"


@given(seeds, st.lists(st.booleans(), max_size=PAIRS))
def test_the_code_in_the_address_gives_seed_and_answers_back(seed, answers):
    played = Game("signs", 32, "badnets", seed, (Pair(0, True),) * PAIRS, tuple(answers))
    assert read_code(played.code()) == (seed, tuple(answers))


@pytest.mark.parametrize("code", ["", "L", "12X", "-4L", "12LRx", "1" * 11, "1" + "L" * 11, "nan"])
def test_other_texts_in_the_address_are_no_code(code):
    assert read_code(code) is None


@given(seeds, st.integers(1, 9))
def test_few_images_give_few_pairs(seed, count):
    assert len(draw(seed, IMAGES[:count], BadNets())) == count


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_the_score_counts_the_answers_that_name_the_triggered_side(rounds):
    sides, answers = (list(part) for part in zip(*rounds, strict=True))
    played = game(sides, [])
    for number, answer in enumerate(answers):
        assert not played.over and len(played.answers) == number
        played = played.with_answer(answer)
    assert played.over and played.with_answer(True) == played
    assert played.score == sum(side == answer for side, answer in rounds)
    opposite = game(sides, [not answer for answer in answers])
    assert opposite.score == len(rounds) - played.score


@given(st.booleans(), st.integers(0, len(IMAGES) - 1))
def test_a_pair_holds_exactly_one_triggered_picture_on_its_side(left, index):
    clean, triggered = IMAGES[index], BadNets()(IMAGES[index : index + 1])[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            caches.dataset_images, "test_images", lambda *_: SimpleNamespace(images=IMAGES)
        )
        both = pictures(game([left], []), Pair(index, left))
    assert [(picture == triggered).all() for picture in both] == [left, not left]
    assert [(picture == clean).all() for picture in both] == [not left, left]


@given(st.integers(1, 30))
def test_guessing_follows_the_binomial_distribution(pairs):
    chances = [guessing_probability(score, pairs) for score in range(pairs + 2)]
    assert chances[0] == 1 and chances[-1] == 0 and chances[pairs] == 2.0**-pairs
    exactly = [math.comb(pairs, score) / 2**pairs for score in range(pairs + 1)]
    assert -np.diff(chances) == pytest.approx(exactly)


def test_a_score_is_called_luck_where_it_may_be_luck():
    assert "5 on average" in interpret(10, 10) and "0.1%" in interpret(10, 10)
    assert "You can see this trigger" in interpret(9, 10)
    for score in (2, 5, 8):
        assert "cannot reliably see" in interpret(score, 10)
    assert "mistake the triggered" in interpret(1, 10)
