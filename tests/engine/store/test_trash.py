"""Models deleted by mistake come back."""

import pandas as pd
import pytest

from engine import store
from engine.cli import main
from engine.core import paths
from engine.core.errors import UserError
from engine.store import trash


def test_a_deleted_model_is_gone_and_comes_back_whole(at_home):
    before = store.find("small").card
    trash.delete("small")
    assert "small" not in store.names()
    assert trash.deleted() == ["small"]
    trash.restore("small")
    assert store.find("small").card == before
    assert trash.deleted() == []


def test_a_model_that_comes_with_the_program_stays():
    with pytest.raises(UserError, match="comes with the program"):
        trash.delete("signs-clean")
    assert "signs-clean" in store.names()


@pytest.mark.parametrize("name", ["../models", "nothing", ".trash"])
def test_names_of_no_model_are_refused(at_home, name):
    with pytest.raises(UserError):
        trash.delete(name)
    with pytest.raises(UserError):
        trash.restore(name)


def test_a_name_taken_meanwhile_is_not_overwritten(at_home):
    trash.delete("small")
    (paths.models_folder() / "small").mkdir()
    with pytest.raises(UserError, match="A new model is called 'small'"):
        trash.restore("small")
    assert trash.deleted() == ["small"]


def test_only_the_last_five_can_be_brought_back(at_home):
    for number in range(trash.KEPT + 2):
        (paths.models_folder() / f"model{number}").mkdir()
        trash.delete(f"model{number}")
    assert trash.deleted() == [f"model{number}" for number in (6, 5, 4, 3, 2)]


def test_the_oldest_goes_first_whatever_the_clock_says(at_home, monkeypatch):
    names = [f"model{number}" for number in range(trash.KEPT + 1)]
    for hour, name in enumerate(names):
        monkeypatch.setattr("time.time_ns", lambda hour=hour: -hour * 3600 * 10**9)
        monkeypatch.setattr("time.time", lambda hour=hour: -hour * 3600.0)
        (paths.models_folder() / name).mkdir()
        trash.delete(name)
    assert trash.deleted() == names[:0:-1]
    trash.restore(names[-1])
    assert (paths.models_folder() / names[-1]).is_dir()


def test_entries_from_before_numbers_were_given_are_older_than_new_ones(at_home):
    (paths.models_folder() / ".trash" / "1764252000000000000~old").mkdir(parents=True)
    trash.delete("small")
    assert trash.deleted() == ["small", "old"]


def test_unexpected_folders_in_the_trash_are_ignored(at_home):
    for name in ("~", "x~y", "1~..", f"{'9' * 99}~z"):
        (paths.models_folder() / ".trash" / name).mkdir(parents=True)
    trash.delete("small")
    assert trash.deleted()[0] == "small"
    for name in ("", ".."):
        with pytest.raises(UserError):
            trash.restore(name)
    trash.restore("small")
    assert "small" in store.names()


def test_a_model_goes_into_the_trash_once(at_home):
    trash.delete("small")
    with pytest.raises(UserError, match="no model 'small'"):
        trash.delete("small")
    trash.restore("small")
    with pytest.raises(UserError, match="no deleted model"):
        trash.restore("small")


def test_results_of_a_model_deleted_meanwhile_bring_nothing_of_it_back(at_home):
    stored = store.find("small")
    trash.delete("small")
    with pytest.raises(UserError, match="deleted or replaced meanwhile"):
        stored.save_tables({"late": pd.DataFrame({"a": [1]})}, "command")
    assert "small" not in store.names()
    assert not (paths.models_folder() / "small").exists()


def test_results_of_a_model_replaced_meanwhile_are_not_kept_beside_another(at_home):
    stored = store.find("small")
    other = store.copy_as(store.find("signs-clean"), "small", replace=True)
    with pytest.raises(UserError, match="deleted or replaced meanwhile"):
        stored.save_tables({"late": pd.DataFrame({"a": [1]})}, "command")
    assert store.find("small").card == other.card
    assert not (other.folder / "late.csv").exists()


def test_results_kept_side_by_side_are_all_named_on_the_card(at_home):
    one, other = store.find("small"), store.find("small")
    one.save_tables({"one": pd.DataFrame({"a": [1]})}, "first command")
    other.save_tables({"other": pd.DataFrame({"a": [1]})}, "second command")
    assert store.find("small").card.commands[-2:] == ("first command", "second command")


def test_the_command_line_deletes_and_brings_back(at_home, capsys):
    assert main.main(["delete", "small"]) == 0
    assert main.main(["delete", "small"]) == 2
    assert main.main(["restore", "small"]) == 0
    capsys.readouterr()
    assert "small" in store.names()
