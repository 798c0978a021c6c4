"""Comparing repairs on workers: each is tried in a process of its own, here or on a cluster.

What is measured and kept is that of `run_repairs.compare`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from engine import store
from engine.core import read_only
from engine.core.errors import UserError
from engine.datasets import Dataset, load_dataset
from engine.defenses.repairs import Repair, parse_repair
from engine.experiments import run_repairs
from engine.experiments.repair_tables import TABLE, method_of, tried_rows
from engine.experiments.workers import model_archive
from engine.experiments.workers.schedulers import Scheduler
from engine.experiments.workers.task import Outcome, Result, Row, Task
from engine.store import StoredModel, near_chance

FOUND = "found"  # in a row: the tables of what a repair found, each as its columns, by name


def compare(
    stored: StoredModel,
    dataset: Dataset,
    methods: Sequence[Repair],
    command: str,
    scheduler: Scheduler,
    confirmed: bool = False,
) -> pd.DataFrame:
    """Try repairs on a scheduler's workers; see `run_repairs.compare`.

    An earlier row stays if the same repair fails there.

    Args:
        stored, dataset, methods, command, confirmed: see there.
        scheduler: where they are tried.

    Raises:
        UserError: the network seems to guess, the work cannot begin, the model was deleted or
            replaced meanwhile, or a repair that had been measured before failed.
        Stopped: a stop was requested; what is done is kept.
    """
    read_only.check()
    near_chance.check(stored.card, confirmed)
    trials = _Trials(stored, dataset, methods, command)
    scheduler.run(trials.tasks(), len(trials.methods), trials.keep)
    if trials.failed:
        raise UserError(f"Earlier figures were kept: {' '.join(trials.failed)}")
    table = trials.stored.table(TABLE)
    assert table is not None
    return table


class _Trials:
    """The repairs that are tried on a model, and what has come of them.

    Args:
        stored, dataset, methods, command: see `compare`.
    """

    def __init__(
        self, stored: StoredModel, dataset: Dataset, methods: Sequence[Repair], command: str
    ) -> None:
        self.stored, self.failed = stored, list[str]()
        self.methods = {_key(stored, method): method for method in methods}
        self._dataset, self._command = dataset, command
        # Repairs that differ in their settings alone share a folder: that of the last one stays.
        self._last = {method.name: method for method in methods}

    def tasks(self) -> Iterator[Task]:
        """A task for each repair; the first is there once the ceiling is measured."""
        self.stored = run_repairs.prepare(self.stored, self._dataset, confirmed=True)
        archive = model_archive.pack(self.stored)
        for key, method in self.methods.items():
            settings = {
                "dataset": self._dataset.name,
                "size": self.stored.card.image_shape[0],
                "method": str(method),
                "command": self._command,
            }
            name = self.stored.name
            yield Task(key, method.title, __name__, json.dumps(settings), name, archive)

    def keep(self, key: str, result: Result) -> None:
        """Store what came of a repair, or why nothing did."""
        method = self.methods[key]
        if result.problem and _is_measured(self.stored, method):
            self.failed.append(f"{method.title} failed there. {result.problem}")
        elif result.problem:
            self._store(method, {"method": str(method), "problem": result.problem}, {})
        else:
            (row,) = result.rows
            tables = {name: pd.DataFrame(columns) for name, columns in row[FOUND].items()}
            self._store(method, row, tables)
            if self._last[method.name] == method:
                folder = run_repairs.copy_folder(self.stored.name, method)
                name = f"{self.stored.name}-{method.name}"
                model_archive.unpack_to(folder, result.archive, name)

    def _store(self, method: Repair, row: Row, found: Mapping[str, pd.DataFrame]) -> None:
        self.stored = run_repairs.store_row(self.stored, method, row, found, self._command)


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
    found = {name: table.to_dict("list") for name, table in tables.items()}
    copy = store.open_folder(run_repairs.copy_folder(model, method))
    return Outcome(copy, [row | {FOUND: found}])


def _key(stored: StoredModel, method: Repair) -> str:
    return hashlib.sha256(f"{stored.card.sha256} {method}".encode()).hexdigest()


def _is_measured(stored: StoredModel, method: Repair) -> bool:
    rows = [row for row in tried_rows(stored) if method_of(row) == method]
    return any(pd.isna(row["problem"]) or not row["problem"] for row in rows)
