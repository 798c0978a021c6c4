"""Models deleted by mistake come back."""

import pytest

from engine import cli, places, store, trash
from engine.errors import LabError


def test_a_deleted_model_is_gone_and_comes_back_whole(at_home):
    before = store.find("small").card
    trash.delete("small")
    assert "small" not in store.names()
    assert trash.deleted() == ["small"]
    trash.restore("small")
    assert store.find("small").card == before
    assert trash.deleted() == []


def test_a_model_that_comes_with_the_program_stays():
    with pytest.raises(LabError, match="comes with the program"):
        trash.delete("signs-clean")
    assert "signs-clean" in store.names()


@pytest.mark.parametrize("name", ["../models", "nothing", ".trash"])
def test_names_of_no_model_are_refused(at_home, name):
    with pytest.raises(LabError):
        trash.delete(name)
    with pytest.raises(LabError):
        trash.restore(name)


def test_a_name_taken_meanwhile_is_not_overwritten(at_home):
    trash.delete("small")
    (places.models_folder() / "small").mkdir()
    with pytest.raises(LabError, match="A new model is called 'small'"):
        trash.restore("small")
    assert trash.deleted() == ["small"]


def test_only_the_last_five_can_be_brought_back(at_home):
    for number in range(trash.KEPT + 2):
        (places.models_folder() / f"model{number}").mkdir()
        trash.delete(f"model{number}")
    assert trash.deleted() == [f"model{number}" for number in (6, 5, 4, 3, 2)]


def test_the_command_line_deletes_and_brings_back(at_home, capsys):
    assert cli.main(["delete", "small"]) == 0
    assert cli.main(["delete", "small"]) == 2
    assert cli.main(["undelete", "small"]) == 0
    capsys.readouterr()
    assert "small" in store.names()
