import json
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
from filelock import FileLock

from engine.core import atomic_files, job_worker, jobs, paths, progress
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


def ended(job, seconds=90):
    """The job's status once no worker is at it any more."""
    limit = time.monotonic() + seconds
    while job.status().alive:
        assert time.monotonic() < limit, job.log()
        time.sleep(0.1)
    return job.status()


def test_a_job_finishes_in_a_process_of_its_own_with_its_answer(data):
    job = jobs.start("look", ["data", "folder:signs", "--root", str(data)])
    status = ended(job)
    assert status.state == "finished", job.log()
    assert status.result["images"] == {"train": 594, "validation": 66, "test": 180}
    assert job.request.kind == "data"
    assert [found.name for found in jobs.all_jobs()] == ["look"]


def test_a_failed_job_says_why_in_one_sentence(tmp_path):
    job = jobs.start("look", ["data", "folder:nowhere", "--root", str(tmp_path)])
    status = ended(job)
    assert status.state == "failed"
    assert "no images at" in status.error
    job.discard()
    assert not job.folder.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "nobody"], "no model 'nobody'"),
        (["train", "signs", "--name", "m", "--epochs", "0"], "number of epochs"),
        (["train", "signs", "--nonsense"], "No such option"),
    ],
)
def test_a_job_that_is_refused_before_it_begins_says_why(words, said):
    job = jobs.start("never", words)
    status = ended(job)
    assert status.state == "failed", (status, job.log())
    assert said in status.error


def test_only_a_job_that_is_starting_can_be_refused():
    done = requested("done", state="finished")
    for name in ("done", "nobody", "../x"):
        job_worker.refuse(name, "No.")
    assert done.status().state == "finished"
    assert jobs.all_jobs() == [done]


def test_a_training_is_stopped_kept_and_resumed_from_outside(data):
    words = ["train", "folder:few", "--root", str(data), "--name", "m", "--batch", "16"]
    words += ["--target", "1", "--rate", "0.2", "--epochs", "3"]
    job = jobs.start("train-m", words)
    while not job.checkpoint.exists():
        assert job.status().alive, job.log()
        time.sleep(0.05)
    with pytest.raises(UserError, match="running already"):
        jobs.start("train-m", words)
    job.stop()
    status = ended(job)
    assert status.state == "stopped", (status, job.log())
    assert status.result["model"] == "m"
    job.resume()
    status = ended(job)
    assert status.state == "finished", (status, job.log())
    assert not status.result["stopped"]


def test_a_stop_requested_before_the_worker_is_up_is_not_forgotten(data):
    words = ["train", "folder:few", "--root", str(data), "--name", "m", "--target", "1"]
    job = jobs.start("train-m", words)
    job.stop()
    assert ended(job).state == "stopped", job.log()
    assert not list(paths.models_folder().glob("*"))


def nothing():
    """Work of one event."""
    progress.report(1, 1, "worked")
    return {}


def requested(name, number=1, kind="train", **status):
    """A job whose files are on the disk; no process holds its lock."""
    job = jobs.job_named(name)
    request = {"kind": kind, "arguments": [kind], "number": number}
    atomic_files.write_text(job.folder / "request.json", json.dumps(request))
    atomic_files.write_text(job.folder / "status.json", json.dumps(STATUS | status))
    return job


def alive(job):
    """Held while a worker lives."""
    return FileLock(job.folder / "lock")


@pytest.mark.parametrize("state", ["starting", "running"])
@pytest.mark.parametrize("seconds", [-1e6, 1e6])
def test_locks_and_not_the_clock_tell_whether_a_worker_is_alive(monkeypatch, state, seconds):
    job = requested("quiet", state=state)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + seconds)
    with alive(job):
        assert job.status().state == state
        with pytest.raises(UserError, match="stop it first"):
            job.discard()
    assert job.status().state == "interrupted"
    assert "died unexpectedly" in job.status().message
    job.discard()
    assert not job.folder.exists()


def test_a_worker_that_ends_before_it_is_up_is_interrupted(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    job = jobs.start("short", ["data"])
    assert ended(job).state == "interrupted"


def test_a_worker_that_cannot_be_started_is_reported(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(UserError, match="could not be started"):
        jobs.start("never", ["data"])
    job = jobs.job_named("never")
    assert job.status().state == "interrupted"
    job.discard()


def test_a_job_is_started_once(monkeypatch):
    """A worker that is still starting counts as well."""
    workers = []

    def sleeping(command, **how):
        workers.append(popen([sys.executable, "-c", "import time; time.sleep(60)"], **how))
        return workers[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", sleeping)
    job = jobs.start("once", ["data"])
    try:
        assert job.status().state == "starting"
        with pytest.raises(UserError, match="running already"):
            jobs.start("once", ["data"])
    finally:
        for worker in workers:
            worker.kill()
    assert ended(job).state == "interrupted"
    assert len(workers) == 1


def test_two_workers_never_share_a_job():
    job = jobs.job_named("busy")

    def work():
        assert job.status().state == "running"
        with pytest.raises(UserError, match="running already"):
            job_worker.work(job, [], nothing, progress.ignore)
        with pytest.raises(UserError, match="stop it first"):
            job.discard()
        progress.report(1, 1, "half")
        return {}

    job_worker.work(job, ["data"], work, progress.ignore)
    assert job.status().state == "finished"


def test_unexpected_failures_leave_a_sentence_and_the_details_in_the_log(capfd):
    job = jobs.job_named("broken")

    def work():
        progress.report(0, 1, "about to fail")
        raise ZeroDivisionError("division by zero")

    with pytest.raises(ZeroDivisionError):
        job_worker.work(job, [], work, progress.ignore)
    assert job.status().state == "failed"
    assert "ZeroDivisionError" in job.status().error
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
    job, other = requested("odd"), requested("other", state="finished")
    (job.folder / "status.json").write_bytes(text.encode(errors="surrogatepass"))
    assert job.status().state == "interrupted"
    assert "cannot be read" in job.status().message
    assert other.status().state == "finished"
    job.discard()
    assert jobs.all_jobs() == [other]


def test_a_damaged_status_of_a_living_worker_does_not_hide_it():
    job = requested("odd", done=None)
    with alive(job):
        assert job.status().state == "running"
        assert "cannot be read" in job.status().message


REQUESTS = [
    *NOT_JSON,
    '{"started": null}',
    '{"kind": null, "arguments": null, "number": 1}',
    '{"kind": ["train"], "arguments": "", "number": 1}',
    '{"arguments": null, "number": null}',
    '{"arguments": "data", "number": "1"}',
    '{"arguments": [1], "number": 1.5}',
    '{"arguments": ["\\u0000"], "number": -1}',
    '{"arguments": ["\\ud800"], "number": true}',
    f'{{"arguments": [], "number": 1{"0" * 400}}}',
]


@pytest.mark.parametrize("text", REQUESTS)
def test_a_damaged_request_cannot_be_resumed_and_can_be_dismissed(text):
    job, other = requested("odd"), requested("other", number=2)
    (job.folder / "request.json").write_bytes(text.encode(errors="surrogatepass"))
    assert jobs.all_jobs() == [other, job]
    assert job.status().state == "interrupted"
    with pytest.raises(UserError, match="dismiss it and start it again"):
        job.resume()
    job.discard()
    assert jobs.all_jobs() == [other]


def test_folders_in_place_of_files_do_no_harm():
    job = requested("odd")
    for name in ("request.json", "status.json"):
        (job.folder / name).unlink()
    for name in ("request.json", "status.json", "lock", "starting", "stop", "log.txt"):
        (job.folder / name).mkdir()
    assert job.status().state == "interrupted"
    assert job.log() == ""
    assert jobs.all_jobs() == [job]
    job.discard()
    assert jobs.all_jobs() == []


def test_folders_whose_names_no_job_can_have_are_not_jobs():
    job = requested("fine")
    for name in ("Not fine", "x" * 200, ".hidden"):
        folder = paths.jobs_folder() / name
        folder.mkdir()
        (folder / "request.json").write_text("{}")
    assert jobs.all_jobs() == [job]


@pytest.mark.parametrize(
    "curve", [None, 3, [], {}, {"a": [1]}, {"a": [1], "b": [1, 2]}, {"a": ["x"], "b": [1]}, [3]]
)
def test_figures_that_are_no_table_do_no_harm(curve):
    job = requested("odd", figures={"curve": curve})
    with alive(job):
        assert job.status().table("curve", ["a", "b"]) is None


def test_figures_are_read_as_a_table_a_diverged_loss_included():
    rows = [{"a": 1, "b": 2.5, "c": "more"}, {"a": 2, "b": float("nan"), "c": "more"}]
    job = requested("odd", figures={"curve": rows})
    with alive(job):
        table = job.status().table("curve", ["a", "b"])
    assert list(table.columns) == ["a", "b"]
    assert table["a"].tolist() == [1, 2]
    assert table["b"].isna().tolist() == [False, True]


def test_a_full_disk_does_not_end_work_whose_status_cannot_be_written(monkeypatch):
    job = requested("full", state="starting")

    def full(path, text):
        raise atomic_files.WriteError("Could not write: the disk is full")

    def working():
        progress.report(0, 2, "none", {"curve": list(range(999))})
        monkeypatch.setattr(atomic_files, "write_text", full)
        progress.report(1, 2, "half", {"curve": list(range(9999))})
        assert job.status().message == "half"
        assert job.status().figures == {}, "there is no room for them"
        progress.report(2, 2, "whole")
        return {"answer": 3}

    assert job_worker.work(job, [], working, progress.ignore) == {"answer": 3}
    assert job.status().state == "finished"
    assert job.status().result == {"answer": 3}


def test_names_that_are_no_text_do_not_damage_the_status():
    job = jobs.job_named("odd")

    def working():
        progress.report(1, 1, "reading images-\udcff.png")
        assert job.status().message == "reading images-?.png"
        return {"file": "images-\udcff.png"}

    job_worker.work(job, [], working, progress.ignore)
    assert job.status().state == "finished"
    assert job.status().result == {"file": "images-?.png"}


def test_jobs_are_numbered_in_the_order_in_which_they_were_requested(monkeypatch):
    for day, name in enumerate(["b", "c", "a"]):
        monkeypatch.setattr("time.time", lambda day=day: -86400.0 * day)
        work = jobs.job_named(name)
        job_worker.work(work, ["data"], nothing, progress.ignore)
    assert [job.name for job in jobs.all_jobs()] == ["a", "c", "b"]


def test_a_job_is_named_like_a_folder():
    with pytest.raises(UserError, match="cannot be called"):
        jobs.job_named("../x")
    with pytest.raises(UserError, match="A job cannot be called"):
        jobs.job_named("x" * 121)
    assert jobs.job_named("fine").folder.parent == paths.jobs_folder()


def messages_of(job, act=lambda: None, seen=None):
    """What is reported until `job` has worked in its turn; `act` is called at the second wait."""
    seen = [] if seen is None else seen

    def reporter(event):
        seen.append(event.message)
        if sum("waiting" in message for message in seen) == 2:
            act()

    with progress.reporting_to(reporter), job_worker.turn(job):
        progress.report(1, 1, "worked")
    return seen


def test_trainings_wait_for_those_requested_earlier_and_go_on_when_they_end():
    first, second = requested("first", 1), requested("second", 2)
    with ExitStack() as until_it_dies:
        until_it_dies.enter_context(alive(first))
        seen = messages_of(second, until_it_dies.close)
    assert seen[:2] == ["In the queue: waiting for first to end"] * 2
    assert seen[-1] == "worked", "the first one has died"


def test_a_training_does_not_wait_for_later_ones_or_other_kinds_of_work():
    mine, later = requested("a", 2), requested("b", 3)
    pruning = requested("train-c", 1, kind="prune")  # the name says nothing
    with alive(later), alive(pruning):
        assert messages_of(mine) == ["worked"]


def test_jobs_of_an_unknown_kind_wait_for_nobody_and_nobody_waits_for_them():
    unknown, other, training = (requested(f"train-{name}", i) for i, name in enumerate("abc"))
    for job in (unknown, other):
        request = {"arguments": ["train"], "number": job.request.number}  # as before kinds
        atomic_files.write_text(job.folder / "request.json", json.dumps(request))
        assert job.request.kind == ""
    with alive(unknown):
        assert messages_of(other) == messages_of(training) == ["worked"]


def test_two_trainings_never_work_at_once_even_if_the_earlier_is_resumed_late():
    earlier, later = requested("a", 1), requested("b", 2)
    with ExitStack() as working:
        working.enter_context(job_worker.turn(later))
        with alive(earlier):
            seen = messages_of(earlier, working.close)
    assert seen[:2] == ["In the queue: waiting for another training to end"] * 2
    assert seen[-1] == "worked"


def test_a_queued_training_can_be_removed():
    first, second = requested("first", 1), requested("second", 2)
    with alive(first), pytest.raises(Stopped, match="from the queue"):
        messages_of(second, second.stop)
