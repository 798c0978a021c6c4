"""Hostile models in the models folder of a running dashboard: it says so, and serves the others."""

import shutil

import pytest

from tests.browser.conftest import Server
from tests.hostile import serving
from tests.hostile.cards import CARDS, TABLES
from tests.hostile.networks import NETWORKS

SOME_NETWORKS = [
    "a-pipe",
    "a-description-of-two-gigabytes",
    "description-a-hundred-thousand-brackets",
    "a-function-as-seed",
    "weights-just-small-enough",
    "bytes-of-another-file",
    "arrays-of-terabytes",
    "too-much-to-compute",
]
BROKEN_CURVES = [name for name in TABLES if name.startswith("a-curve")]


@pytest.fixture(scope="module")
def served(tmp_path_factory, drawn):
    """A dashboard whose models folder holds them all."""
    home = tmp_path_factory.mktemp("hostile")
    serving.put_networks(home / "models", list(NETWORKS))
    serving.put_cards(home / "models", list(CARDS))
    serving.put_tables(home / "models", list(TABLES))
    shutil.copytree(drawn / "cache", home / "cache")
    server = Server(home, home / "nothing")
    serving.ask(server, "signs-ftrojan", "")
    yield server
    assert server.process.poll() is None, "the dashboard has ended"
    server.stop()


def refused(answers) -> None:
    for page, answer in answers.items():
        assert not answer.exceptions, (page, answer.exceptions)
        assert len(answer.errors) == 1, (page, answer.errors)
        assert "Unexpected error" not in answer.errors[0]


def fine(answers) -> None:
    for page, answer in answers.items():
        assert not answer.exceptions and not answer.errors, (page, answer)


@pytest.mark.parametrize("name", SOME_NETWORKS)
def test_a_hostile_network_gets_one_sentence(served, name):
    refused(serving.ask(served, name, "", "pruning", "repairs"))


@pytest.mark.parametrize("name", list(CARDS)[::6])
def test_a_hostile_card_gets_one_sentence(served, name):
    refused(serving.ask(served, f"card-{name}", "", "triggers", "repairs"))


@pytest.mark.parametrize("name", BROKEN_CURVES)
def test_a_hostile_curve_gets_one_sentence(served, name):
    refused(serving.ask(served, f"table-{name}", "", "pruning"))


def test_other_models_are_served_beside_them(served):
    fine(serving.ask(served, "signs-ftrojan", "", "triggers", "models", "repairs", "pruning"))
