"""Files and folders are seen whole or not at all; of two writers of one name, one succeeds."""

import errno
import os

import pytest

from engine.core import atomic_files
from engine.core.errors import UserError


def seen(folder):
    """What stands in a folder, hidden or not, and the text of each file."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def make(path, text, **how):
    with atomic_files.new_folder(path, **how) as aside:
        (aside / "text").write_text(text)


def test_a_new_folder_appears_whole_and_nothing_else_is_left(tmp_path):
    with atomic_files.new_folder(tmp_path / "a") as aside:
        (aside / "text").write_text("one")
        assert not (tmp_path / "a").exists()
    assert seen(tmp_path) == {"a/text": "one"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_taken_name_is_refused_before_the_work(tmp_path):
    make(tmp_path / "a", "one")
    with pytest.raises(UserError, match="exists already"), atomic_files.new_folder(tmp_path / "a"):
        pytest.fail("the work was begun")
    assert seen(tmp_path) == {"a/text": "one"}


def test_of_two_writers_of_one_new_name_the_second_to_end_is_refused(tmp_path):
    work = atomic_files.new_folder(tmp_path / "a")
    with pytest.raises(UserError, match="exists already"), work as mine:
        (mine / "text").write_text("late")
        make(tmp_path / "a", "early")
    assert seen(tmp_path) == {"a/text": "early"}


def test_a_replaced_folder_is_gone_and_nothing_of_it_is_left(tmp_path):
    make(tmp_path / "a", "one")
    make(tmp_path / "a", "two", replace=True)
    assert seen(tmp_path) == {"a/text": "two"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_final_check_can_refuse_a_folder_that_is_fully_written(tmp_path):
    make(tmp_path / "a", "one")

    def refuse():
        raise UserError("it is somebody else's")

    with pytest.raises(UserError, match="somebody else's"):
        make(tmp_path / "a", "two", replace=True, check=refuse)
    assert seen(tmp_path) == {"a/text": "one"}


def test_a_failed_writer_leaves_what_was_there(tmp_path):
    make(tmp_path / "a", "one")
    work = atomic_files.new_folder(tmp_path / "a", replace=True)
    with pytest.raises(ZeroDivisionError), work as aside:
        (aside / "text").write_text("half")
        raise ZeroDivisionError
    assert seen(tmp_path) == {"a/text": "one"}


def test_a_full_disk_is_reported_and_leaves_what_was_there(tmp_path, monkeypatch):
    make(tmp_path / "a", "one")
    atomic_files.write_text(tmp_path / "file", "one")

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(atomic_files.WriteError, match="the disk is full: free some space"):
        make(tmp_path / "a", "two", replace=True)
    with pytest.raises(atomic_files.WriteError, match="the disk is full: free some space"):
        atomic_files.write_text(tmp_path / "file", "two")
    assert seen(tmp_path) == {"a/text": "one", "file": "one"}


def left_behind(folder, **content):
    """What a writer that died left in `folder`."""
    pending = folder / ".pending-dead"
    for name, text in content.items():
        place = pending / name
        place.mkdir(parents=True)
        (place / "text").write_text(text)


def test_a_writer_that_died_between_two_renames_is_put_right_at_the_next_look(tmp_path):
    left_behind(tmp_path, **{"new": "two", "old/a": "one"})
    atomic_files.recover(tmp_path)
    assert seen(tmp_path) == {"a/text": "one"}


def test_half_a_folder_of_a_writer_that_died_is_removed_at_the_next_change(tmp_path):
    left_behind(tmp_path, new="half")
    make(tmp_path / "b", "other")
    assert seen(tmp_path) == {"b/text": "other"}


def test_a_finished_replacement_is_not_undone(tmp_path):
    make(tmp_path / "a", "two")
    left_behind(tmp_path, **{"old/a": "one"})
    atomic_files.recover(tmp_path)
    assert seen(tmp_path) == {"a/text": "two"}


def test_what_a_living_writer_does_is_left_alone(tmp_path):
    with atomic_files.new_folder(tmp_path / "a") as aside:
        (aside / "text").write_text("one")
        atomic_files.recover(tmp_path)
        make(tmp_path / "b", "other")
    assert seen(tmp_path) == {"a/text": "one", "b/text": "other"}


def test_a_folder_is_changed_by_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_files, "LOCK_SECONDS", 0)
    with (
        atomic_files.changing(tmp_path),
        pytest.raises(UserError, match="Another process is changing"),
    ):
        make(tmp_path / "a", "one")
    make(tmp_path / "a", "one")
    assert seen(tmp_path) == {"a/text": "one"}


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "file.txt"
    atomic_files.write_text(path, "one")
    with atomic_files.new_file(path) as aside:
        aside.write_text("two")
        assert path.read_text() == "one"
    assert seen(tmp_path) == {"file.txt": "two"}


def test_what_dead_writers_of_a_file_left_long_ago_is_swept(tmp_path):
    old, young = tmp_path / ".file.txt.dead.txt", tmp_path / ".file.txt.alive.txt"
    for left in (old, young, tmp_path / "other.txt"):
        left.write_text("half")
    os.utime(old, (0, 0))
    os.utime(tmp_path / "other.txt", (0, 0))
    atomic_files.write_text(tmp_path / "file.txt", "one")
    assert sorted(seen(tmp_path)) == [".file.txt.alive.txt", "file.txt", "other.txt"]
