"""Every parser refuses what is not genuine in one sentence, and a seed makes the same mutants."""

from random import Random

import pytest

from engine.core.errors import UserError
from tests.fuzz import run
from tests.fuzz.run import Target, fuzz, mutant
from tests.fuzz.targets import TARGETS, arrays, network

COUNT = 100  # mutants


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_mutated_input_is_read_or_refused_in_one_sentence(target):
    report = fuzz(target, COUNT, seed=1)
    assert not report.unexpected, report.told()
    assert report.refused


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_mutant_is_made_again_by_its_number(target):
    seeds = target.seeds()
    assert mutant(target, seeds, 3, 7) == mutant(target, seeds, 3, 7)
    assert len({mutant(target, seeds, 3, number) for number in range(20)}) > 10


def _picky(content):
    if content.startswith(b"b"):
        raise ValueError("an error\nthat no reader turns into words")
    if content.startswith(b"c"):
        raise UserError("It is one of those that begin with c.")


def _one_of_three(rng: Random, _):
    return rng.choice((b"a", b"b", b"c"))


def test_what_no_reader_foresaw_is_reported_with_the_way_to_make_it_again():
    target = Target("picky", lambda: [b"a"], _picky, _one_of_three)
    report = fuzz(target, 60, seed=0)
    assert report.accepted and report.refused and report.unexpected
    assert report.mutants == 60
    assert "ValueError" in report.told() and "--only picky --seed 0 --first" in report.told()


def test_a_genuine_input_that_is_refused_is_unexpected():
    report = fuzz(Target("picky", lambda: [b"c"], _picky, _one_of_three), 1, seed=0)
    assert "genuine input 0 of picky: refused" in report.told()


def test_an_input_that_took_too_long_leaves_the_answers_to_the_next_ones_alone(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(run, "SECONDS", 0.005)
        assert "takes more than 0.005 s" in fuzz(network.TARGET, 1, seed=0).told()
    assert not fuzz(arrays.TARGET, 5, seed=0).unexpected
