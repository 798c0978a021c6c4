"""Cards, tables and triggers from elsewhere are refused in a sentence; other models stay usable."""

import json
import shutil

import numpy as np
import pytest

from engine import store
from engine.attacks.triggers import artifacts, parse_trigger
from engine.core import paths
from engine.core.errors import UserError
from engine.store import cards
from tests.hostile.cards import ARRAYS, CARDS, TABLES, TRIGGERS


def one_sentence(caught) -> str:
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 600
    return sentence


def test_there_are_many_of_them():
    assert len(CARDS) + len(TABLES) + len(TRIGGERS) >= 40


@pytest.mark.parametrize("name", CARDS)
def test_a_hostile_card_is_refused_in_one_sentence(name):
    folder = paths.models_folder() / "signs-clean"
    folder.mkdir(parents=True)
    CARDS[name](folder / "card.json")
    with pytest.raises(UserError, match="cannot be used") as caught:
        store.find("signs-clean")
    assert str(folder) in one_sentence(caught)


def test_one_hostile_card_leaves_every_other_model_usable():
    for name, make in CARDS.items():
        (paths.models_folder() / name).mkdir(parents=True)
        make(paths.models_folder() / name / "card.json")
    usable = {stored.name for stored in store.readable_models()}
    shipped = {path.parent.name for path in paths.SHIPPED_MODELS.glob("*/card.json")}
    assert usable == shipped
    assert set(CARDS) <= set(store.names())


@pytest.mark.parametrize("path", sorted(paths.SHIPPED_MODELS.glob("*/card.json")), ids=str)
def test_every_shipped_card_is_read_and_written_alike(path):
    card = cards.read(path)
    trained_here = {"assumed": False, "imported": {}}
    assert json.loads(card.to_json()) == trained_here | json.loads(path.read_text())


@pytest.mark.parametrize("name", TABLES)
def test_a_hostile_table_is_refused_in_one_sentence_and_the_others_are_read(name):
    folder = paths.models_folder() / "signs-ftrojan"
    shutil.copytree(paths.SHIPPED_MODELS / "signs-ftrojan", folder)
    kinds = [path.stem for path in folder.glob("*.csv")]
    before = {path: path.read_bytes() for path in folder.glob("*.csv")}
    for path in before:
        path.unlink()
    TABLES[name](folder)
    hostile = {path.stem for path in folder.glob("*.csv")}
    for path, content in before.items():
        if path.stem not in hostile:
            path.write_bytes(content)
    stored = store.find("signs-ftrojan")
    for kind in kinds:
        if kind in hostile:
            with pytest.raises(UserError) as caught:
                stored.table(kind)
            one_sentence(caught)
        else:
            assert len(stored.table(kind))


def applied(state):
    return parse_trigger(f"trojan-nn:state={state}")(np.zeros((1, 32, 32, 3), np.uint8))


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_hostile_trigger_is_refused_in_one_sentence(name):
    folder = paths.models_folder() / "theirs"
    folder.mkdir(parents=True)
    TRIGGERS[name](folder / "trigger-0123456789abcdef.npz")
    with pytest.raises(UserError) as caught:
        applied("0123456789abcdef")
    one_sentence(caught)


@pytest.mark.parametrize("name", ARRAYS)
def test_what_a_trigger_has_learned_must_go_with_its_settings(name):
    with pytest.raises(UserError, match="do not fit its settings") as caught:
        applied(artifacts.keep(ARRAYS[name]))
    one_sentence(caught)


def test_a_strangers_file_of_the_same_name_does_not_spoil_a_trigger():
    (genuine,) = paths.SHIPPED_MODELS.glob("attack-gtsrb-trojan-nn/trigger-*.npz")
    folder = paths.models_folder() / "aaa"
    folder.mkdir(parents=True)
    (folder / genuine.name).write_bytes(b"not arrays")
    assert artifacts.load.__wrapped__(genuine.stem.removeprefix("trigger-"))
