"""A sweep does what is missing, keeps what is done, and ends in one tidy table."""

import dataclasses
import json
import os
import signal
import time
from threading import Thread

import pandas as pd
import psutil
import pytest

from engine import store
from engine.cli import main
from engine.core import jobs, paths, progress, read_only
from engine.core.errors import UserError
from engine.core.progress import Stopped
from engine.core.version import program_version
from engine.evaluation.metrics import METRICS
from engine.experiments.same_training import differing_settings
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.results import SweepResults, publish
from engine.experiments.sweeps.run import (
    Networks,
    find_trained,
    model_name,
    run_sweep,
    seconds_between_cells,
)
from engine.experiments.sweeps.subjects import SUBJECT
from engine.experiments.workers import child_process, model_archive
from engine.experiments.workers.child_process import Died, Limits, work_on
from engine.experiments.workers.schedulers import OneAfterTheOther
from engine.experiments.workers.task import Result

QUICK = {"dataset": "folder:few", "attack": "badnets", "rate": 0.2, "target": 1, "epochs": 1}
TRIED = {"pruning": "clean-activation", "detector": "weights"}
FIGURES = {"clean_accuracy", "attack_success", "recovered_accuracy", "psnr", "ssim", "seconds"}


@pytest.fixture
def at_few(data, monkeypatch):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(data))


class Recorded:
    """A scheduler that gives made-up results, and notes what it was asked to do."""

    def __init__(self, problems=(), until=None) -> None:
        self.asked, self.problems, self.until = [], problems, until

    def run(self, tasks, total, keep):
        for number, task in enumerate(tasks):
            cell = Cell.from_json(task.settings)
            if number == self.until:
                raise Stopped("Stopped.")
            self.asked.append(cell.seed)
            problem = "It failed." if cell.seed in self.problems else ""
            rows = [] if problem else [{"figure": "clean_accuracy", "value": float(cell.seed)}]
            keep(task.key, Result(rows, b"", problem))


def seeds(*numbers: int):
    return sweep_file.cells_of({"dataset": "signs", "seed": list(numbers)})


def test_a_sweep_that_was_stopped_does_only_what_is_missing():
    first, second = Recorded(until=2), Recorded()
    with pytest.raises(Stopped):
        run_sweep("s", seeds(0, 1, 2, 3), first)
    assert len(pd.read_csv(SweepResults.of("s").csv)) == 2
    outcome = run_sweep("s", seeds(0, 1, 2, 3), second)
    assert (first.asked, second.asked) == ([0, 1], [2, 3])
    assert outcome.done == 4
    assert outcome.table["value"].tolist() == [0, 1, 2, 3]


def test_a_failed_cell_is_a_row_with_its_sentence_and_is_tried_again():
    outcome = run_sweep("s", seeds(0, 1, 2), Recorded(problems=[1]))
    assert (outcome.done, outcome.failed) == (2, 1)
    failed = outcome.table[outcome.table["problem"] == "It failed."]
    assert failed["seed"].tolist() == [1] and failed["value"].isna().all()
    again = Recorded()
    run_sweep("s", seeds(0, 1, 2), again)
    assert again.asked == [1]


def test_more_cells_join_a_sweep_without_doing_the_others_again():
    run_sweep("s", seeds(0, 1), Recorded())
    more = Recorded()
    outcome = run_sweep("s", seeds(0, 1, 2), more)
    assert more.asked == [2] and len(outcome.table) == 3


def test_a_damaged_result_is_made_again():
    cells = seeds(0, 1)
    run_sweep("s", cells, Recorded())
    file = SweepResults.of("s").folder / "cells" / f"{cells[0].key}.json"
    file.write_text("{")
    again = Recorded()
    run_sweep("s", cells, again)
    assert again.asked == [0]


def test_both_tables_hold_the_same_rows():
    run_sweep("s", seeds(0, 1), Recorded())
    results = SweepResults.of("s")
    csv, parquet = pd.read_csv(results.csv), pd.read_parquet(results.parquet)
    assert list(csv.columns) == list(parquet.columns)
    assert csv["value"].tolist() == parquet["value"].tolist()


def test_a_cell_trains_detects_and_repairs_in_a_process_of_its_own(at_few):
    cells = sweep_file.cells_of(QUICK | {**TRIED, "repair": "clp"})
    seen = []
    with progress.reporting_to(lambda event: seen.append(event.message)):
        outcome = run_sweep("real", cells, OneAfterTheOther(Limits(1)), Networks(keep_models=True))
    assert outcome.failed == 0, outcome.table["problem"].tolist()
    table = outcome.table
    network = table[(table[list(SUBJECT)] == "").all(axis=1)]
    assert set(network["figure"]) == FIGURES
    repaired = table[table["repair"] == "clp"]  # or why it was not: the network learned too little
    measured = set(repaired["figure"]) >= {"clean_accuracy", "attack_success"}
    assert measured or repaired["problem"].iloc[0]
    assert set(table[table["detector"] == "weights"]["figure"]) >= {"flagged_target", "seconds"}
    pruned = table[table["pruning"] == "clean-activation:drop=10"]
    assert set(pruned["figure"]) == {"channels_pruned", *METRICS}
    assert (table["version"] == program_version()).all()
    assert (table["cell_seconds"] > 0).all()
    stored = store.find(model_name("real", cells[0]))
    success = network.set_index("figure")["value"]["attack_success"]
    assert stored.card.scores["test"]["attack_success"] == pytest.approx(success)
    assert stored.table("history") is not None
    assert any("Epoch" in message for message in seen)
    assert not list(paths.home().glob("models/model"))
    assert not list((paths.cache_folder() / "cells").iterdir())  # no checkpoint stays behind

    # With another repair, the network that was kept is not trained again.
    (other,) = sweep_file.cells_of(QUICK | {"repair": "activation-caps"})
    assert find_trained([other])[other].name == stored.name
    seen.clear()
    with progress.reporting_to(lambda event: seen.append(event.message)):
        again = run_sweep("real", [other], OneAfterTheOther(Limits(1)), Networks(use_models=True))
    assert seen and not any("Epoch" in message for message in seen)
    assert set(again.table["model"]) == {stored.name}
    success = again.table.set_index(["repair", "figure"])["value"]["", "attack_success"]
    assert stored.card.scores["test"]["attack_success"] == pytest.approx(success)
    (changed,) = sweep_file.cells_of(QUICK | {"seed": 1})
    assert find_trained([changed]) == {}


def test_a_cell_that_cannot_be_done_says_why_and_the_next_is_done(at_few):
    (fine,) = sweep_file.cells_of(QUICK)
    impossible = dataclasses.replace(fine, target=99)
    outcome = run_sweep("mixed", [impossible, fine], OneAfterTheOther(Limits(1)))
    problems = outcome.table.groupby("cell")["problem"].first()
    assert "target class 99" in problems[impossible.key]
    assert problems[fine.key] == ""
    assert outcome.failed == 1


def test_a_cell_that_uses_too_much_memory_is_stopped_with_a_sentence(at_few):
    result = work_on(
        sweep_file.cells_of(QUICK)[0].task(), Limits(1, memory_gb=0.05), program_version()
    )
    assert "more than 0.05 GB of memory" in result.problem
    assert not result.rows


def test_another_version_is_refused_in_a_sentence():
    result = work_on(seeds(0)[0].task(), Limits(), "0.0.1")
    assert "0.0.1" in result.problem and "same version" in result.problem


def test_a_killed_child_is_told_from_a_cell_that_failed(at_few):
    def kill_soon() -> None:
        until = time.monotonic() + 60
        while not child_process._CHILDREN and time.monotonic() < until:
            time.sleep(0.02)
        for child in list(child_process._CHILDREN):
            os.kill(child.pid, signal.SIGKILL)

    Thread(target=kill_soon, daemon=True).start()
    with pytest.raises(Died):
        work_on(sweep_file.cells_of(QUICK)[0].task(), Limits(1), program_version())


def test_a_stop_request_ends_the_child(at_few):
    def stop(_) -> None:
        raise Stopped("Stopped.")

    with progress.reporting_to(stop), pytest.raises(Stopped):
        work_on(sweep_file.cells_of(QUICK)[0].task(), Limits(1), program_version())
    children = [child for child in psutil.Process().children() if "workers.child" in _words(child)]
    assert not children


def test_a_stopped_sweep_says_what_is_done_and_goes_on_with_the_same_command(
    tmp_path, monkeypatch, capsys
):
    file, asked = tmp_path / "s.yaml", []
    file.write_text("dataset: signs\nseed: [0, 1]\n")

    def work(_, tasks, total, keep) -> None:
        for task in tasks:
            asked.append(Cell.from_json(task.settings).seed)
            keep(task.key, Result([{"figure": "clean_accuracy", "value": 1.0}], b""))
            if len(asked) == 1:
                jobs.job_named("sweep-s").stop()
            progress.report(0, 0, "The next one")

    monkeypatch.setattr(OneAfterTheOther, "run", work)
    main.main(["sweep", str(file), "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["stopped"] and answer["done"] == 1
    assert main.main(["sweep", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 2
    assert asked == [0, 1]


def test_nothing_is_swept_in_read_only_mode(monkeypatch):
    monkeypatch.setenv(read_only.VARIABLE, "1")
    with pytest.raises(UserError, match="read-only"):
        run_sweep("s", seeds(0), Recorded())
    assert not paths.sweeps_folder().exists()


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_training_that_was_cut_off_is_continued(at_few, monkeypatch):
    (cell,) = sweep_file.cells_of(QUICK | {"epochs": 12})
    checkpoints = paths.cache_folder() / "cells"
    seen = []

    def kill_after_an_epoch(event) -> None:
        for child in list(child_process._CHILDREN):
            if list(checkpoints.glob("*.checkpoint")):
                os.kill(child.pid, signal.SIGKILL)

    with progress.reporting_to(kill_after_an_epoch), pytest.raises(Died):
        work_on(cell.task(), Limits(1), program_version())
    assert list(checkpoints.glob("*.checkpoint"))
    seen.clear()
    with progress.reporting_to(lambda event: seen.append(event.message)):
        result = work_on(cell.task(), Limits(1), program_version())
    assert not result.problem and result.rows
    assert not any("Epoch 1 of" in message for message in seen)
    assert not list(checkpoints.iterdir())


def test_a_network_of_that_name_on_the_worker_is_not_taken_for_the_cells(at_few, monkeypatch):
    (cell,) = sweep_file.cells_of(QUICK)
    result = work_on(cell.task("signs-ftrojan"), Limits(1), program_version())
    assert not result.problem
    stored = model_archive.unpack(result.archive, "mine")
    assert stored.card.dataset == "folder:few"
    assert "--name signs-ftrojan" in stored.card.commands[0]


def test_a_model_of_images_of_another_size_is_not_used(monkeypatch):
    (cell,) = sweep_file.cells_of({"dataset": "signs", "preset": "fast", "epochs": 16})
    stored = store.find("signs-ftrojan")
    assert find_trained([cell]) == {cell: stored}
    larger = dataclasses.replace(
        stored, card=dataclasses.replace(stored.card, image_shape=(48, 48, 3))
    )
    monkeypatch.setattr(store, "readable_models", lambda: [larger])
    assert find_trained([cell]) == {}


def test_a_model_that_was_replaced_or_deleted_meanwhile_is_trained(monkeypatch):
    (cell,) = sweep_file.cells_of({"dataset": "signs", "preset": "fast", "epochs": 16})
    asked = []

    class Looking:
        """A scheduler that notes which networks it is given."""

        def run(self, tasks, total, keep):
            asked.extend((task.model, bool(task.network)) for task in tasks)

    run_sweep("s", [cell], Looking(), Networks(use_models=True))
    replaced = dataclasses.replace(store.find("signs-ftrojan").card, sha256="another")
    found = dataclasses.replace(store.find("signs-ftrojan"), card=replaced)
    monkeypatch.setattr(store, "find", lambda name: found)
    run_sweep("s", [cell], Looking(), Networks(use_models=True))
    assert asked == [("signs-ftrojan", True), (model_name("s", cell), False)]


def test_a_model_that_learned_from_another_clean_network_differs():
    plan = sweep_file.cells_of({"dataset": "gtsrb", "attack": "input-aware"})[0].plan()
    card = store.find("attack-gtsrb-input-aware").card
    other = dataclasses.replace(card, poisoning={**card.poisoning, "surrogate": "another"})
    assert differing_settings(other, plan)["surrogate"] == ("another", plan.surrogate)
    same = dataclasses.replace(card, poisoning={**card.poisoning, "surrogate": plan.surrogate})
    assert "surrogate" not in differing_settings(same, plan)


def test_the_published_table_names_no_host_and_not_what_a_process_said(tmp_path):
    outcome = run_sweep("s", seeds(0, 1), Recorded(problems=[1]))
    table = outcome.table.assign(host="a-machine")
    publish(table, tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv")
    assert "host" not in found and "a-machine" not in (tmp_path / "out.csv").read_text()
    assert set(found["problem"].dropna()) == {"It failed."}
    assert found["value"].dropna().tolist() == [0.0]


def test_the_time_of_a_cell_is_shared_by_those_that_work_at_once():
    def table(*cells) -> pd.DataFrame:
        columns = ["cell", "finished", "cell_seconds"]
        return pd.DataFrame(list(cells), columns=columns)

    noon = "2026-01-01T12:{}+00:00"
    alone = table(("a", noon.format("00:00"), 60), ("b", noon.format("01:00"), 60))
    assert seconds_between_cells(alone) == 60
    two = table(("a", noon.format("00:00"), 60), ("b", noon.format("00:10"), 60))
    assert seconds_between_cells(two) == 30
    gap = table(("a", "2026-01-01T02:00:00+00:00", 60), ("b", noon.format("00:00"), 60))
    assert seconds_between_cells(gap) == 60
    assert seconds_between_cells(table()) is None
