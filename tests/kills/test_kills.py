"""Nothing is lost whenever a writer or worker is killed; `python -m tests.kills` kills more."""

import subprocess
import sys

import pytest

from tests.kills.working import PROJECT, Reference


@pytest.fixture(scope="module")
def shared_reference(data, tmp_path_factory):
    return Reference(tmp_path_factory.mktemp("kills"), data)


@pytest.fixture
def reference(shared_reference, monkeypatch):
    monkeypatch.setenv("PRUNING_LAB_HOME", "")  # each job sets its own; restored afterwards
    return shared_reference


def test_models_and_caches_survive_killed_writers_and_races_for_a_name():
    words = ["--count", "4", "--work", "0", "--races", "2", "--each", "replace", "delete", "file"]
    run = subprocess.run(
        [sys.executable, "-m", "tests.kills", *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "Nothing was lost" in run.stdout


def test_a_killed_training_resumes_and_ends_with_the_same_weights(reference):
    assert reference.killed("train", when=lambda home: any(home.glob("jobs/*/checkpoint.npz")))


def test_a_killed_pruning_leaves_its_model_alone_and_can_run_again(reference):
    assert reference.killed("prune", when=lambda home: any(home.glob("models/x/curve-*.csv")))
