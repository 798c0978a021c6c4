"""The results of a sweep on disk: a file for each finished cell, and one tidy table of all.

sweeps/NAME/sweep.json       the settings of all cells, done or not
sweeps/NAME/cells/KEY.json   a cell's settings and rows
sweeps/NAME/results.csv      a row for each cell and figure
sweeps/NAME/results.parquet  the same, with types
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from engine import store
from engine.core import atomic_files, paths
from engine.core.errors import UserError
from engine.core.limited_reading import read_json_object
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.subjects import FIGURE, SUBJECT
from engine.experiments.workers.task import Result

MAX_BYTES = 64 << 20
PLAN = "sweep.json"
RESULTS = "results"  # name of both tables
PRIVATE = ("host",)  # of `MACHINE`
MACHINE = (
    *("model", "cell_seconds", "version", "python", "tensorflow", "keras"),
    *("host", "processor", "finished"),
)


@dataclass(frozen=True)
class SweepResults:
    """The folder of a sweep's results; it need not exist."""

    folder: Path

    @classmethod
    def of(cls, name: str) -> SweepResults:
        """The results of the sweep called `name`."""
        return cls(paths.sweeps_folder() / name)

    @property
    def changed(self) -> int:
        """When a cell was last stored or the sweep begun, in nanoseconds; 0 before."""
        places = (self.folder / "cells", self.folder / PLAN)
        return max((place.stat().st_mtime_ns for place in places if place.exists()), default=0)

    @property
    def csv(self) -> Path:
        """The table as CSV."""
        return self.folder / f"{RESULTS}.csv"

    @property
    def parquet(self) -> Path:
        """The table as Parquet."""
        return self.folder / f"{RESULTS}.parquet"

    def begin(self, cells: Sequence[Cell]) -> None:
        """Note which cells the sweep has, done or not."""
        plan = {"cells": [json.loads(cell.to_json()) for cell in cells]}
        atomic_files.write_text(self.folder / PLAN, json.dumps(plan))

    def cells(self) -> list[Cell]:
        """All cells of the sweep as it was last begun, done or not.

        Raises:
            UserError: that file is missing or damaged.
        """
        try:
            plan = read_json_object(self.folder / PLAN, MAX_BYTES)
            cells = [Cell.from_json(json.dumps(settings)) for settings in plan["cells"]]
            for cell in cells:
                cell.check()
            if not cells:
                raise ValueError("no cells")
        except (UserError, ValueError, TypeError, KeyError, OSError) as error:
            raise UserError(
                f"The cells of the sweep '{self.folder.name}' cannot be read: start it again."
            ) from error
        return cells

    def missing(self, cells: Sequence[Cell]) -> list[Cell]:
        """Those that are not done yet, or failed."""
        return [cell for cell in cells if not self._is_done(cell)]

    def add(self, cell: Cell, result: Result, model: str = "") -> None:
        """Store what a cell gave; it replaces what was stored of that cell before."""
        about = {"model": model, "cell_seconds": result.seconds}
        rows = [about | row for row in result.rows]
        record = {"cell": json.loads(cell.to_json()), "problem": result.problem, "rows": rows}
        atomic_files.write_text(self._file(cell), json.dumps(record))

    def table(self, cells: Sequence[Cell]) -> pd.DataFrame:
        """The tidy table of these cells, as far as they are done or failed.

        Returns:
            A row for each cell and figure: cell (its key), its settings, `FIGURE`, `MACHINE`. A
            failed cell is one row without a figure, with its problem.
        """
        rows = [row for cell in cells for row in self._rows(cell)]
        settings = list(dict.fromkeys(name for cell in cells for name in cell.settings()))
        return pd.DataFrame(rows).reindex(columns=["cell", *settings, *FIGURE, *MACHINE])

    def write_tables(self, cells: Sequence[Cell]) -> pd.DataFrame:
        """Write the table in both forms, and return it."""
        table = self.table(cells)
        store.write_table(self.csv, table)
        with atomic_files.new_file(self.parquet) as aside:
            table.to_parquet(aside, index=False)
        return table

    def _file(self, cell: Cell) -> Path:
        return self.folder / "cells" / f"{cell.key}.json"

    def _is_done(self, cell: Cell) -> bool:
        record = self._record(cell)
        return record is not None and not record["problem"]

    def _record(self, cell: Cell) -> dict[str, Any] | None:
        """What is stored of a cell; None if that is nothing, or damaged: then it is done again."""
        if not self._file(cell).exists():
            return None
        try:
            record = read_json_object(self._file(cell), MAX_BYTES)
        except (UserError, ValueError, OSError):
            return None
        fits = isinstance(record.get("rows"), list) and isinstance(record.get("problem"), str)
        return record if fits else None

    def _rows(self, cell: Cell) -> list[dict[str, Any]]:
        record = self._record(cell)
        if record is None:
            return []
        about = {"cell": cell.key, **cell.settings()}
        if record["problem"]:
            return [about | dict.fromkeys(SUBJECT, "") | {"figure": ""} | _problem(record)]
        return [about | row for row in record["rows"]]


def _problem(record: dict[str, Any]) -> dict[str, Any]:
    return {"value": float("nan"), "problem": record["problem"]}


@dataclass(frozen=True)
class PublishedResults:
    """The results of a sweep that come with the program: its file, and the table as CSV."""

    csv: Path

    @property
    def parquet(self) -> Path:
        """Where the typed table would be; it is not published."""
        return self.csv.with_suffix(".parquet")

    @property
    def changed(self) -> int:
        """When the table was written, in nanoseconds."""
        return self.csv.stat().st_mtime_ns

    def cells(self) -> list[Cell]:
        """The cells of the file; see `sweep_file.read`."""
        return sweep_file.read(self.csv.with_suffix(".yaml"))

    @property
    def description(self) -> str:
        """What the sweep is about: the comment that its file begins with."""
        lines = self.csv.with_suffix(".yaml").read_text(encoding="utf-8").splitlines()
        comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
        return " ".join(line.lstrip("# ") for line in comment)

    def table(self, cells: Sequence[Cell]) -> pd.DataFrame:  # noqa: ARG002
        """See `SweepResults.table`; the machines have no names here."""
        return pd.read_csv(self.csv, dtype={"version": str})


def find(name: str) -> SweepResults | PublishedResults:
    """The results of the sweep called `name`: begun here, or published with the program."""
    own, published = SweepResults.of(name), paths.SHIPPED_SWEEPS / f"{name}.csv"
    if not (own.folder / PLAN).exists() and published.exists():
        return PublishedResults(published)
    return own


def publish(table: pd.DataFrame, out: Path) -> None:
    """Write a table as CSV for others: without the hosts' names and what a failed process said."""
    failed = table["problem"].fillna("") != ""
    told = table.assign(problem=table["problem"].where(~failed, "It failed."))
    store.write_table(out, told.drop(columns=list(PRIVATE)))


def own_sweeps() -> list[str]:
    """The names of the sweeps that were begun here, the latest first."""
    plans = paths.sweeps_folder().glob(f"*/{PLAN}")
    return [plan.parent.name for plan in sorted(plans, key=_changed, reverse=True)]


def sweep_names() -> list[str]:
    """The names of all sweeps: those that were begun here, then the published ones."""
    published = sorted(file.stem for file in paths.SHIPPED_SWEEPS.glob("*.csv"))
    return list(dict.fromkeys([*own_sweeps(), *published]))


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0  # deleted meanwhile
