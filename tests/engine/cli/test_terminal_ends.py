"""The command line ends quietly when its reader has gone, and when it is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import store
from engine.cli import main
from engine.cli.shared import Call
from engine.core import jobs
from engine.experiments import analyze
from engine.networks import architectures

PROJECT = Path(__file__).parents[3]
ENGINE = [sys.executable, "-m", "engine"]


def ended(words: list[str], **streams) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*ENGINE, *words], cwd=PROJECT, text=True, timeout=60, check=False, **streams
    )


@pytest.fixture
def nobody():
    """The end of a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("words", [["models"], ["models", "--json"]])
def test_an_answer_that_nobody_reads_ends_with_the_status_alone(nobody, words):
    one = ended(words, stdout=nobody, stderr=subprocess.PIPE)
    assert (one.returncode, one.stderr) == (128 + signal.SIGPIPE, "")


def test_a_reader_of_the_help_that_has_gone_sees_no_error(nobody):
    assert ended(["--help"], stdout=nobody, stderr=subprocess.PIPE).stderr == ""


def test_an_error_that_nobody_reads_ends_with_the_status_alone(nobody):
    one = ended(["data", "none"], stdout=subprocess.PIPE, stderr=nobody)
    assert (one.returncode, one.stdout) == (128 + signal.SIGPIPE, "")


def test_a_reader_that_stops_after_the_first_line_sees_no_traceback():
    one = subprocess.run(
        ["bash", "-c", f"set -o pipefail; '{sys.executable}' -m engine models | head -1"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert one.stderr == "" and one.stdout.count("\n") == 1


SLOW = """
import sys, time
print("importing", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("library", ["pandas", "numpy"])
def test_ctrl_c_while_libraries_are_imported_ends_it_without_a_traceback(tmp_path, library):
    (tmp_path / f"{library}.py").write_text(SLOW)
    started = subprocess.Popen(
        [*ENGINE, "models"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As a terminal starts it; a background job of a shell ignores Ctrl-C, and so would it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    assert started.stdout.readline() == "importing\n"
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=30) == ("", "")
    assert started.returncode == 130


def test_ctrl_c_stays_ignored_in_a_process_that_was_started_ignoring_it(tmp_path):
    (tmp_path / "pandas.py").write_text(SLOW.replace("60", "0.5") + "raise SystemExit(7)\n")
    started = subprocess.Popen(
        ["bash", "-c", f"trap '' INT; exec '{sys.executable}' -m engine models"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    started.stdout.readline()
    started.send_signal(signal.SIGINT)
    assert started.wait(timeout=30) == 7


def test_the_first_ctrl_c_asks_a_job_to_stop_and_the_second_ends_it(capsys):
    job = jobs.job_named("long")
    before = signal.getsignal(signal.SIGINT)

    def work():
        signal.raise_signal(signal.SIGINT)
        assert job.stop_requested()
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it went on")

    with pytest.raises(KeyboardInterrupt):
        Call(("train",), None, None).run_as(job, work)
    assert "press Ctrl-C again" in capsys.readouterr().err
    assert job.status().state == "stopped"
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_ends_work_that_is_no_job_with_one_word(at_home, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(analyze, "evaluate", interrupted)
    assert main.main(["evaluate", "small"]) == 130
    out, err = capsys.readouterr()
    assert out == "" and err.endswith("Stopped.\n")


@pytest.fixture
def theirs(tmp_path):
    architectures.paper_network(classes=6).save(tmp_path / "theirs.keras")
    return tmp_path / "theirs.keras"


def test_an_import_replaces_a_model_only_with_the_option_to_replace(results, theirs, capsys):
    known = ["--range", "0..1", "--colours", "rgb", "--class-order", "given"]
    words = ["import", str(theirs), "folder:signs", "--name", "small", *known]
    assert main.main(words) == 2
    assert "delete that model first. With --replace it is replaced." in capsys.readouterr().err
    before = store.find("small").card.sha256
    assert main.main([*words, "--replace"]) == 0
    assert store.find("small").card.sha256 != before
    assert store.find("small").card.imported["file"] == "theirs.keras"
