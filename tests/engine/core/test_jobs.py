import json
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
from filelock import FileLock

from engine.core import atomic_files, jobs, paths, progress
from engine.core.errors import UserError
from engine.core.progress import Stopped

STATUS = {
    "state": "running",
    "done": 1,
    "total": 2,
    "message": "Half",
    "figures": {"seconds_left": 5.0},
    "error": "",
    "result": {},
}


def ended(run, seconds=90):
    """The run's status once no worker is at it any more."""
    limit = time.monotonic() + seconds
    while run.status().alive:
        assert time.monotonic() < limit, run.log()
        time.sleep(0.1)
    return run.status()


def test_a_run_finishes_in_a_process_of_its_own_with_its_answer(data):
    run = jobs.start("look", ["data", "folder:signs", "--root", str(data)])
    status = ended(run)
    assert status.state == "finished", run.log()
    assert status.result["images"] == {"train": 594, "validation": 66, "test": 180}
    assert [found.name for found in jobs.all_jobs()] == ["look"]


def test_a_failed_run_tells_why_in_one_sentence(tmp_path):
    run = jobs.start("look", ["data", "folder:nowhere", "--root", str(tmp_path)])
    status = ended(run)
    assert status.state == "failed"
    assert "no images at" in status.error
    run.discard()
    assert not run.folder.exists()


def test_a_training_is_stopped_kept_and_resumed_from_outside(data):
    words = ["train", "folder:few", "--root", str(data), "--name", "m", "--batch", "16"]
    words += ["--target", "1", "--rate", "0.2", "--epochs", "3"]
    run = jobs.start("train-m", words)
    while not run.checkpoint.exists():
        assert run.status().alive, run.log()
        time.sleep(0.05)
    with pytest.raises(UserError, match="running already"):
        jobs.start("train-m", words)
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
    run = jobs.start("train-m", words)
    run.stop()
    assert ended(run).state == "stopped", run.log()
    assert not list(paths.models_folder().glob("*"))


def nothing():
    """Work of one event."""
    progress.report(1, 1, "worked")
    return {}


def asked_for(name, number=1, **status):
    """A run as it stands on the disk; nobody holds its lock."""
    run = jobs.job_named(name)
    request = {"arguments": ["data"], "number": number}
    atomic_files.write_text(run.folder / "request.json", json.dumps(request))
    atomic_files.write_text(run.folder / "status.json", json.dumps(STATUS | status))
    return run


def alive(run):
    """Held while a worker lives."""
    return FileLock(run.folder / "lock")


@pytest.mark.parametrize("state", ["starting", "running"])
@pytest.mark.parametrize("seconds", [-1e6, 1e6])
def test_whether_a_worker_lives_is_asked_of_the_system_and_not_of_the_clock(
    monkeypatch, state, seconds
):
    run = asked_for("quiet", state=state)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + seconds)
    with alive(run):
        assert run.status().state == state
        with pytest.raises(UserError, match="stop it first"):
            run.discard()
    assert run.status().state == "interrupted"
    assert "without a word" in run.status().message
    run.discard()
    assert not run.folder.exists()


def test_a_worker_that_ends_before_it_is_up_is_interrupted(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run = jobs.start("short", ["data"])
    assert ended(run).state == "interrupted"


def test_a_worker_that_cannot_be_started_is_told(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(UserError, match="could not be started"):
        jobs.start("never", ["data"])
    run = jobs.job_named("never")
    assert run.status().state == "interrupted"
    run.discard()


def test_a_run_is_started_once(monkeypatch):
    """A worker that is not up yet counts as well, for whoever presses the button next."""
    workers = []

    def sleeping(command, **how):
        workers.append(popen([sys.executable, "-c", "import time; time.sleep(60)"], **how))
        return workers[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", sleeping)
    run = jobs.start("once", ["data"])
    try:
        assert run.status().state == "starting"
        with pytest.raises(UserError, match="running already"):
            jobs.start("once", ["data"])
    finally:
        for worker in workers:
            worker.kill()
    assert ended(run).state == "interrupted"
    assert len(workers) == 1


def test_two_workers_never_share_a_run():
    run = jobs.job_named("busy")

    def work():
        assert run.status().state == "running"
        with pytest.raises(UserError, match="running already"):
            jobs.work(run, [], nothing, dict, print)
        with pytest.raises(UserError, match="stop it first"):
            run.discard()
        progress.report(1, 1, "half")
        return {}

    jobs.work(run, ["data"], work, dict, lambda event: None)
    assert run.status().state == "finished"


def test_unexpected_failures_leave_a_sentence_and_the_details_in_the_log(capfd):
    run = jobs.job_named("broken")

    def work():
        progress.report(0, 1, "about to fail")
        raise ZeroDivisionError("division by zero")

    with pytest.raises(ZeroDivisionError):
        jobs.work(run, [], work, dict, lambda event: None)
    assert run.status().state == "failed"
    assert "ZeroDivisionError" in run.status().error
    assert "Traceback" in capfd.readouterr().err


NOT_JSON = ["", "{", "[1]", "null", "[" * 100_000, "\ud800", "9" * 5000, '{"state": 1, "more": 2}']
WRONG = [
    {"state": "alive"},
    {"state": None},
    {"state": ["running"]},
    {"done": -1},
    {"done": 0.5},
    {"done": True},
    {"total": 10**400},
    {"total": "3"},
    {"message": None},
    {"message": "\ud800"},
    {"message": "x" * 10**5},
    {"error": 3},
    {"figures": None},
    {"figures": [1]},
    {"figures": {"seconds_left": "soon"}},
    {"figures": {"seconds_left": float("nan")}},
    {"figures": {"seconds_left": float("inf")}},
    {"figures": {"images_per_second": None}},
    {"figures": {"curve": 10**400}},
    {"figures": {"curve": "\ud800"}},
    {"figures": {"curve": [[[[[[[[[[[]]]]]]]]]]]}},
    {"result": 5},
    {"result": {"a": {"\ud800": 1}}},
]


def damaged_statuses():
    yield from NOT_JSON
    yield from (json.dumps(STATUS | wrong) for wrong in WRONG)
    for name in STATUS:
        yield json.dumps({key: value for key, value in STATUS.items() if key != name})


@pytest.mark.parametrize("text", damaged_statuses())
def test_a_damaged_status_reads_as_interrupted_and_can_be_dismissed(text):
    run, other = asked_for("odd"), asked_for("other", state="finished")
    (run.folder / "status.json").write_bytes(text.encode(errors="surrogatepass"))
    assert run.status().state == "interrupted"
    assert "cannot be read" in run.status().message
    assert other.status().state == "finished"
    run.discard()
    assert jobs.all_jobs() == [other]


def test_a_damaged_status_of_a_living_worker_does_not_hide_it():
    run = asked_for("odd", done=None)
    with alive(run):
        assert run.status().state == "running"
        assert "cannot be read" in run.status().message


REQUESTS = [
    *NOT_JSON,
    '{"started": null}',
    '{"arguments": null, "number": null}',
    '{"arguments": "data", "number": "1"}',
    '{"arguments": [1], "number": 1.5}',
    '{"arguments": ["\\u0000"], "number": -1}',
    '{"arguments": ["\\ud800"], "number": true}',
    f'{{"arguments": [], "number": 1{"0" * 400}}}',
]


@pytest.mark.parametrize("text", REQUESTS)
def test_a_damaged_request_cannot_be_resumed_and_can_be_dismissed(text):
    run, other = asked_for("odd"), asked_for("other", number=2)
    (run.folder / "request.json").write_bytes(text.encode(errors="surrogatepass"))
    assert jobs.all_jobs() == [other, run]
    assert run.status().state == "interrupted"
    with pytest.raises(UserError, match="dismiss it and start it anew"):
        run.resume()
    run.discard()
    assert jobs.all_jobs() == [other]


def test_folders_where_files_belong_are_no_disaster():
    run = asked_for("odd")
    for name in ("request.json", "status.json"):
        (run.folder / name).unlink()
    for name in ("request.json", "status.json", "lock", "starting", "stop", "log.txt"):
        (run.folder / name).mkdir()
    assert run.status().state == "interrupted"
    assert run.log() == ""
    assert jobs.all_jobs() == [run]
    run.discard()
    assert jobs.all_jobs() == []


def test_folders_that_no_run_is_called_are_not_runs():
    run = asked_for("fine")
    for name in ("Not fine", "x" * 200, ".hidden"):
        folder = paths.jobs_folder() / name
        folder.mkdir()
        (folder / "request.json").write_text("{}")
    assert jobs.all_jobs() == [run]


@pytest.mark.parametrize(
    "curve", [None, 3, [], {}, {"a": [1]}, {"a": [1], "b": [1, 2]}, {"a": ["x"], "b": [1]}, [3]]
)
def test_figures_that_are_no_table_are_no_disaster(curve):
    run = asked_for("odd", figures={"curve": curve})
    with alive(run):
        assert run.status().table("curve", ["a", "b"]) is None


def test_figures_are_read_as_a_table_a_loss_gone_astray_included():
    rows = [{"a": 1, "b": 2.5, "c": "more"}, {"a": 2, "b": float("nan"), "c": "more"}]
    run = asked_for("odd", figures={"curve": rows})
    with alive(run):
        table = run.status().table("curve", ["a", "b"])
    assert list(table.columns) == ["a", "b"]
    assert table["a"].tolist() == [1, 2]
    assert table["b"].isna().tolist() == [False, True]


def test_a_full_disk_does_not_end_work_that_cannot_tell_how_far_it_is(monkeypatch):
    run = asked_for("full", state="starting")

    def full(path, text):
        raise atomic_files.WriteError("Could not write: the disk is full")

    def working():
        progress.report(0, 2, "none", {"curve": list(range(999))})
        monkeypatch.setattr(atomic_files, "write_text", full)
        progress.report(1, 2, "half", {"curve": list(range(9999))})
        assert run.status().message == "half"
        assert run.status().figures == {}, "there is no room for them"
        progress.report(2, 2, "whole")
        return {"answer": 3}

    assert jobs.work(run, [], working, dict, lambda event: None) == {"answer": 3}
    assert run.status().state == "finished"
    assert run.status().result == {"answer": 3}


def test_words_that_are_no_text_do_not_damage_the_status():
    run = jobs.job_named("odd")

    def working():
        progress.report(1, 1, "reading images-\udcff.png")
        assert run.status().message == "reading images-?.png"
        return {"file": "images-\udcff.png"}

    jobs.work(run, [], working, dict, lambda event: None)
    assert run.status().state == "finished"
    assert run.status().result == {"file": "images-?.png"}


def test_runs_are_numbered_in_the_order_in_which_they_were_asked_for(monkeypatch):
    for day, name in enumerate(["b", "c", "a"]):
        monkeypatch.setattr("time.time", lambda day=day: -86400.0 * day)
        work = jobs.job_named(name)
        jobs.work(work, ["data"], nothing, dict, print)
    assert [run.name for run in jobs.all_jobs()] == ["a", "c", "b"]


def test_a_run_is_called_by_a_folder_name():
    with pytest.raises(UserError, match="cannot be called"):
        jobs.job_named("../x")
    assert jobs.job_named("fine").folder.parent == paths.jobs_folder()


def messages_of(run, act=lambda: None, seen=None):
    """What is reported until `run` has worked in its turn; `act` is called at the second wait."""
    seen = [] if seen is None else seen

    def reporter(event):
        seen.append(event.message)
        if sum("waiting" in message for message in seen) == 2:
            act()

    with progress.reporting_to(reporter), jobs.turn(run):
        progress.report(1, 1, "worked")
    return seen


def test_trainings_wait_for_those_asked_for_earlier_and_go_on_when_they_end():
    first, second = asked_for("train-first", 1), asked_for("train-second", 2)
    with ExitStack() as until_it_dies:
        until_it_dies.enter_context(alive(first))
        seen = messages_of(second, until_it_dies.close)
    assert seen[:2] == ["In the queue: waiting for train-first to end"] * 2
    assert seen[-1] == "worked", "the first one has died"


def test_a_training_does_not_wait_for_later_ones_or_other_work():
    asked, later = asked_for("train-a", 1), asked_for("train-b", 2)
    other = asked_for("prune-c", 0)
    with alive(later), alive(other):
        assert messages_of(asked) == ["worked"]


def test_two_trainings_never_work_at_once_even_if_the_earlier_is_resumed_late():
    earlier, later = asked_for("train-a", 1), asked_for("train-b", 2)
    with ExitStack() as working:
        working.enter_context(jobs.turn(later))
        with alive(earlier):
            seen = messages_of(earlier, working.close)
    assert seen[:2] == ["In the queue: waiting for another training to end"] * 2
    assert seen[-1] == "worked"


def test_a_queued_training_can_be_taken_out():
    first, second = asked_for("train-first", 1), asked_for("train-second", 2)
    with alive(first), pytest.raises(Stopped, match="out of the queue"):
        messages_of(second, second.stop)
