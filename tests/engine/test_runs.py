import json
import time

import pytest

from engine import places, runs
from engine.errors import LabError
from engine.progress import Progress, Stopped, until


def ended(run, seconds=90):
    """The run's status once no worker is at it any more."""
    limit = time.monotonic() + seconds
    while run.status().alive:
        assert time.monotonic() < limit, run.log()
        time.sleep(0.1)
    return run.status()


def test_a_run_finishes_in_a_process_of_its_own_with_its_answer(data):
    run = runs.start("look", ["data", "folder:signs", "--root", str(data)])
    status = ended(run)
    assert status.state == "finished", run.log()
    assert status.result["images"] == {"train": 594, "validation": 66, "test": 180}
    assert [found.name for found in runs.all_runs()] == ["look"]


def test_a_failed_run_tells_why_in_one_sentence(tmp_path):
    run = runs.start("look", ["data", "folder:nowhere", "--root", str(tmp_path)])
    status = ended(run)
    assert status.state == "failed"
    assert "no images at" in status.error
    run.discard()
    assert not run.folder.exists()


def test_a_training_is_stopped_kept_and_resumed_from_outside(data):
    words = ["train", "folder:few", "--root", str(data), "--name", "m", "--batch", "16"]
    words += ["--target", "1", "--rate", "0.2", "--epochs", "3"]
    run = runs.start("train-m", words)
    while not run.checkpoint.exists():
        assert run.status().alive, run.log()
        time.sleep(0.05)
    with pytest.raises(LabError, match="running already"):
        runs.start("train-m", words)
    run.stop()
    status = ended(run)
    assert status.state == "stopped", (status, run.log())
    assert status.result["model"] == "m"
    run.resume()
    status = ended(run)
    assert status.state == "finished", (status, run.log())
    assert not status.result["stopped"]


def test_a_stop_asked_for_before_the_worker_is_up_is_not_forgotten(data):
    words = ["train", "folder:few", "--root", str(data), "--name", "m", "--target", "1"]
    run = runs.start("train-m", words)
    run.stop()
    assert ended(run).state == "stopped", run.log()
    assert not list(places.models_folder().glob("*"))


def once(event):
    """Work of one event."""
    yield event
    return "done"


def test_a_worker_that_died_without_a_word_is_interrupted():
    run = runs.run_called("quiet")
    runs._prepare(run, ["data"])
    run._write(runs.Status("running", updated=time.time()))
    assert run.status().state == "interrupted"


def test_two_workers_never_share_a_run():
    run = runs.run_called("busy")

    def work():
        assert run.status().state == "running"
        with pytest.raises(LabError, match="running already"):
            runs.work(run, [], lambda: once(Progress(1, 1, "")), dict, print)
        with pytest.raises(LabError, match="stop it first"):
            run.discard()
        yield Progress(1, 1, "half")
        return {}

    runs.work(run, ["data"], work, dict, lambda event: None)
    assert run.status().state == "finished"


def test_unexpected_failures_leave_a_sentence_and_the_details_in_the_log(capfd):
    run = runs.run_called("broken")

    def work():
        yield Progress(0, 1, "about to fail")
        raise ZeroDivisionError("division by zero")

    with pytest.raises(ZeroDivisionError):
        runs.work(run, [], work, dict, lambda event: None)
    assert run.status().state == "failed"
    assert "ZeroDivisionError" in run.status().error
    assert "Traceback" in capfd.readouterr().err


def test_work_is_given_up_at_the_first_event_after_a_stop():
    seen = []
    work = until(lambda: len(seen) == 2, (Progress(i, 9, "") for i in range(9)))
    with pytest.raises(Stopped):
        for event in work:
            seen.append(event)
    assert len(seen) == 2


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"state": 1, "surprise": 2}'])
def test_a_damaged_status_is_no_disaster(text):
    run = runs.run_called("odd")
    run.folder.mkdir(parents=True)
    (run.folder / "status.json").write_text(text)
    assert not run.status().alive or run.status().state == "starting"


def test_a_run_is_called_by_a_folder_name():
    with pytest.raises(LabError, match="cannot be called"):
        runs.run_called("../x")
    assert runs.run_called("fine").folder.parent == places.runs_folder()


def asked_for(name, started):
    """A run whose worker lives: its lock is held here."""
    run = runs.run_called(name)
    runs.files.write_text(
        run.folder / "request.json", json.dumps({"arguments": [], "started": started})
    )
    run._write(runs.Status("running", updated=started))
    return run


def nothing():
    yield Progress(1, 1, "worked")
    return "done"


def test_trainings_wait_for_those_asked_for_earlier_and_go_on_when_they_end():
    first, second = asked_for("train-first", 1.0), asked_for("train-second", 2.0)
    with first._lock():
        waiting = runs.in_turn(second, nothing)
        assert "waiting for train-first" in next(waiting).message
        assert "waiting for train-first" in next(waiting).message
    assert next(waiting).message == "worked", "the first one has died"


def test_a_training_does_not_wait_for_later_ones_or_other_work():
    asked, later = asked_for("train-a", 1.0), asked_for("train-b", 2.0)
    other = asked_for("prune-c", 0.5)
    with later._lock(), other._lock():
        assert next(runs.in_turn(asked, nothing)).message == "worked"


def test_two_trainings_never_work_at_once_even_if_the_earlier_is_resumed_late():
    earlier, later = asked_for("train-a", 1.0), asked_for("train-b", 2.0)
    working = runs.in_turn(later, nothing)
    assert next(working).message == "worked"
    with earlier._lock():
        waiting = runs.in_turn(earlier, nothing)
        assert "waiting for another training" in next(waiting).message
        working.close()
        assert next(waiting).message == "worked"


def test_a_queued_training_can_be_taken_out():
    first, second = asked_for("train-first", 1.0), asked_for("train-second", 2.0)
    with first._lock():
        waiting = runs.in_turn(second, nothing)
        next(waiting)
        second.stop()
        with pytest.raises(Stopped, match="out of the queue"):
            next(waiting)
