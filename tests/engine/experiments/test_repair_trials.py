"""Repairs that are compared in processes of their own give and keep what they do here."""

import json

import pandas as pd
import pytest

from engine import store
from engine.cli import main
from engine.core.errors import UserError
from engine.core.progress import Stopped
from engine.datasets import load_dataset
from engine.defenses.repairs import RECOMMENDED, parse_repair
from engine.experiments import repair_tables, repair_trials, run_repairs
from engine.experiments.workers import model_archive
from engine.experiments.workers.child_process import Limits
from engine.experiments.workers.dask_cluster import DaskCluster
from engine.experiments.workers.schedulers import OneAfterTheOther, died
from engine.experiments.workers.task import Result
from engine.store.scans import stored_scan

CLP = parse_repair("clp")
PRUNING = parse_repair("pruning:threshold=5")
HERE = OneAfterTheOther(Limits(1))


@pytest.fixture
def small(move_in, with_results, data, monkeypatch):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(data))
    move_in(with_results)
    return store.find("small")


def figures_of(stored) -> pd.DataFrame:
    return pd.DataFrame(repair_tables.tried_rows(stored)).drop(columns="seconds")


def test_a_repair_tried_elsewhere_gives_the_same_row_and_the_same_copy(small, move_in):
    dataset = load_dataset(small.card.dataset)
    run_repairs.compare(small, dataset, [CLP], "here")
    here, copies = figures_of(store.find("small")), run_repairs.saved_repairs(small)
    small.folder.joinpath("repairs.csv").unlink()
    repair_trials.compare(store.find("small"), dataset, [CLP], "there", HERE)
    pd.testing.assert_frame_equal(figures_of(store.find("small")), here)
    again = run_repairs.saved_repairs(store.find("small"))
    assert set(again) == set(copies) == {"clp"}
    for name, copy in copies.items():
        assert again[name].card.scores == copy.card.scores
        assert again[name].card.repair["removed"] == copy.card.repair["removed"]
        assert again[name].card.commands[-1] == "there"


def test_what_fails_there_is_a_row_with_its_sentence(small, move_in):
    dataset = load_dataset(small.card.dataset)
    limited = OneAfterTheOther(Limits(1, memory_gb=0.05))
    repair_trials.compare(small, dataset, [CLP], "there", limited)
    (row,) = repair_tables.tried_rows(store.find("small"))
    assert "more than 0.05 GB of memory" in row["problem"]
    assert run_repairs.saved_repairs(small) == {}


def test_what_was_measured_before_is_kept_if_the_same_repair_fails_there(small):
    dataset = load_dataset(small.card.dataset)
    run_repairs.compare(small, dataset, [PRUNING], "here")
    before = repair_tables.tried_rows(store.find("small"))
    limited = OneAfterTheOther(Limits(1, memory_gb=0.001))
    with pytest.raises(UserError, match=r"Earlier figures were kept.*0.001 GB"):
        repair_trials.compare(store.find("small"), dataset, [PRUNING], "there", limited)
    assert repair_tables.tried_rows(store.find("small")) == before


def test_of_repairs_that_differ_in_settings_the_copy_of_the_last_one_stays(small):
    class Backwards:
        """A scheduler on which what was asked for first comes back last."""

        def run(self, tasks, total, keep):
            results = []
            InThisProcess().run(tasks, total, lambda *result: results.append(result))
            for key, result in reversed(results):
                keep(key, result)

    methods = [parse_repair("pruning:threshold=20"), PRUNING]
    dataset = load_dataset(small.card.dataset)
    repair_trials.compare(small, dataset, methods, "there", Backwards())
    copy = run_repairs.saved_repairs(store.find("small"))["pruning"]
    assert copy.card.repair["settings"] == str(PRUNING)
    assert len(repair_tables.tried_rows(store.find("small"))) == 2


def test_an_error_of_several_lines_is_one_sentence_in_the_table(small):
    class Losing:
        """A scheduler whose workers are lost."""

        def run(self, tasks, total, keep):
            for task in tasks:
                keep(task.key, died(RuntimeError("Error during deserialization\nof the task.\n")))

    dataset = load_dataset(small.card.dataset)
    repair_trials.compare(small, dataset, [CLP], "there", Losing())
    (row,) = repair_tables.tried_rows(store.find("small"))
    assert "deserialization" in row["problem"] and "\n" not in row["problem"]


def test_a_stop_keeps_what_is_done(small):
    class Stopping:
        """A scheduler on which the second task is never done."""

        def run(self, tasks, total, keep):
            InThisProcess().run(list(tasks)[:1], total, keep)
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        repair_trials.compare(
            small, load_dataset(small.card.dataset), [CLP, PRUNING], "there", Stopping()
        )
    assert [row["method"] for row in repair_tables.tried_rows(store.find("small"))] == [str(CLP)]


class InThisProcess:
    """A scheduler that does the work as a child would, but here, where a test can shorten it."""

    def run(self, tasks, total, keep):
        for task in tasks:
            outcome = repair_trials.do(task.settings, task.model, task.network)
            rows = json.loads(json.dumps(outcome.rows))
            keep(task.key, Result(rows, model_archive.pack(outcome.stored)))


def test_what_a_repair_found_when_it_looked_for_a_backdoor_travels_too(small, short_detection):
    short_detection(threshold=0.0)  # some class is flagged
    method = parse_repair(f"{RECOMMENDED}:epochs=1,max_accuracy_drop=100")
    dataset = load_dataset(small.card.dataset)
    assert stored_scan(small) is None
    repair_trials.compare(small, dataset, [method], "there", InThisProcess())
    scan = stored_scan(store.find("small"))
    assert scan is not None and scan.found


def test_the_command_tries_them_on_workers(small, capsys, monkeypatch):
    asked = []

    def run(cluster, tasks, total, keep):
        asked.append((cluster.workers, total))
        InThisProcess().run(tasks, total, keep)

    monkeypatch.setattr(DaskCluster, "run", run)
    words = ["compare-repairs", "small", "--method", "clp", "--local", "2", "--json"]
    assert main.main(words) == 0
    assert asked == [(2, 1)]
    (row,) = [
        row for row in json.loads(capsys.readouterr().out)["repairs"] if row["title"] == CLP.title
    ]
    assert not row["problem"]
    assert main.main([*words, "--images", "folder:few"]) != 0
    assert "leave out --local" in capsys.readouterr().err
