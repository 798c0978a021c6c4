"""Comparing repairs on workers: each is tried in a process of its own, here or on a cluster.

What is measured and kept is that of `run_repairs.compare`.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence

import pandas as pd

from engine import store
from engine.core import read_only
from engine.datasets import Dataset, load_dataset
from engine.defenses.repairs import Repair, parse_repair
from engine.experiments import run_repairs
from engine.experiments.repair_tables import TABLE
from engine.experiments.workers import model_archive
from engine.experiments.workers.schedulers import Scheduler
from engine.experiments.workers.task import Outcome, Result, Task
from engine.store import StoredModel

FOUND = "found"  # in a row: the tables of what a repair found, as CSV, by name


def compare(
    stored: StoredModel,
    dataset: Dataset,
    methods: Sequence[Repair],
    command: str,
    scheduler: Scheduler,
    confirmed: bool = False,
) -> pd.DataFrame:
    """Try repairs on a scheduler's workers; see `run_repairs.compare`.

    Args:
        stored, dataset, methods, command, confirmed: see there.
        scheduler: where they are tried.

    Raises:
        UserError: the network seems to guess, or the work cannot begin.
        Stopped: a stop was requested; what is done is kept.
    """
    read_only.check()
    stored = run_repairs.prepare(stored, dataset, confirmed)
    archive = model_archive.pack(stored)
    trials = {_task(stored, dataset, method, command, archive): method for method in methods}
    by_key = {task.key: method for task, method in trials.items()}

    def keep(key: str, result: Result) -> None:
        nonlocal stored
        stored = _keep(stored, by_key[key], result, command)

    scheduler.run(trials, len(trials), keep)
    table = stored.table(TABLE)
    assert table is not None
    return table


def do(settings: str, model: str, network: bytes) -> Outcome:
    """Try a repair in the process of a worker; see `Task`.

    Args:
        settings: dataset, size (pixels), method and command, as JSON.
        model: the name of the model.
        network: an archive with it.

    Returns:
        The repaired copy, and the row of `run_repairs.try_repair`.

    Raises:
        UserError: the dataset is missing, or the repair cannot be applied.
    """
    asked = json.loads(settings)
    dataset = load_dataset(asked["dataset"], size=asked["size"], fetching=True)
    stored, method = model_archive.unpack(network, model), parse_repair(asked["method"])
    row, tables = run_repairs.try_repair(stored, dataset, method, asked["command"])
    found = {name: table.to_csv(index=False) for name, table in tables.items()}
    copy = store.open_folder(run_repairs.copy_folder(model, method))
    return Outcome(copy, [row | {FOUND: found}])


def _task(
    stored: StoredModel, dataset: Dataset, method: Repair, command: str, archive: bytes
) -> Task:
    settings = {
        "dataset": dataset.name,
        "size": stored.card.image_shape[0],
        "method": str(method),
        "command": command,
    }
    key = hashlib.sha256(f"{stored.card.sha256} {method}".encode()).hexdigest()
    return Task(key, method.title, __name__, json.dumps(settings), stored.name, archive)


def _keep(stored: StoredModel, method: Repair, result: Result, command: str) -> StoredModel:
    """Store what came of a repair, or why nothing did."""
    if result.problem:
        failed = {"method": str(method), "problem": result.problem}
        return run_repairs.store_row(stored, method, failed, {}, command)
    (row,) = result.rows
    found = {name: pd.read_csv(io.StringIO(text)) for name, text in row[FOUND].items()}
    folder = run_repairs.copy_folder(stored.name, method)
    model_archive.unpack_to(folder, result.archive, f"{stored.name}-{method.name}")
    return run_repairs.store_row(stored, method, row, found, command)
