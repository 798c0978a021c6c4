"""Running a sweep: what is missing is worked on, and the table grows with each cell."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median

import pandas as pd

from engine import store
from engine.core import atomic_files, paths, read_only
from engine.core.names import slug
from engine.experiments import repair_tables
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.cell_process import CellResult, unpack_model
from engine.experiments.sweeps.results import SweepResults
from engine.experiments.sweeps.schedulers import Scheduler
from engine.experiments.training_estimates import TrainingEstimates, read_estimates
from engine.networks.architectures import parse_architecture
from engine.store import cards

TABLE_SECONDS = 10.0  # between two writes of the tables, at least
DETECTION_MINUTES = 0.5


@dataclass(frozen=True)
class SweepOutcome:
    """What a sweep came to.

    Attributes:
        table: see `SweepResults.table`.
        done, failed: cells of the sweep.
    """

    table: pd.DataFrame
    done: int
    failed: int


def run_sweep(
    name: str, cells: Sequence[Cell], scheduler: Scheduler, keeps_models: bool = False
) -> SweepOutcome:
    """Work on the cells that are not done yet, and write the table.

    Args:
        name: of the sweep; the same name goes on where the sweep was interrupted.
        cells: all of the sweep.
        scheduler: where they are worked on.
        keeps_models: whether each network is stored as a model.

    Raises:
        UserError: the work cannot begin, or a result cannot be stored.
        Stopped: a stop was requested; what is done is kept.
    """
    results = SweepResults.of(name)
    write = _seldom(lambda: results.write_tables(cells))

    def keep(cell: Cell, result: CellResult) -> None:
        model = ""
        if keeps_models and result.archive:
            model = _store_model(name, cell, result)
        results.add(cell, result, model)
        write()

    read_only.check()
    results.begin(cells)
    missing = results.missing(cells)
    try:
        if missing:
            scheduler.run(missing, keep)
    finally:
        results.write_tables(cells)
    return count(results, cells)


def count(results: SweepResults, cells: Sequence[Cell]) -> SweepOutcome:
    """What a sweep has come to so far."""
    return outcome_of(results.table(cells))


def outcome_of(table: pd.DataFrame) -> SweepOutcome:
    """How many of the cells in a table are done, and how many failed."""
    whole = (table["detector"].fillna("") == "") & (table["repair"].fillna("") == "")
    failed = table.loc[whole & (table["problem"].fillna("") != ""), "cell"].nunique()
    return SweepOutcome(table, table["cell"].nunique() - failed, failed)


def expected_minutes(cell: Cell) -> float | None:
    """How long a cell takes on two cores, from what was measured; None if nothing tells."""
    return minutes_of(cell, read_estimates())


def minutes_of(cell: Cell, estimates: TrainingEstimates) -> float | None:
    """The same, by estimates that were read before."""
    network = parse_architecture(cell.network)
    training = estimates.of(cell.dataset, cell.training(), network).minutes
    if training is None:
        return None
    repairs = sum(_repair_minutes(text.partition(":")[0]) for text in cell.repairs)
    return training + DETECTION_MINUTES * len(cell.detectors) + repairs


def model_name(sweep: str, cell: Cell) -> str:
    """The name of the model that a cell's network is stored as."""
    return slug(sweep, cell.attack, cell.key[:8])


@lru_cache
def _repair_minutes(name: str) -> float:
    """The median over the models that come with the program; 0 where the repair was not tried."""
    seconds = [
        float(row["seconds"])
        for stored in store.readable_models()
        if stored.folder.parent == paths.SHIPPED_MODELS
        for row in repair_tables.tried_rows(stored)
        if str(row["method"]).partition(":")[0] == name
    ]
    return median(seconds) / 60 if seconds else 0.0


def _store_model(sweep: str, cell: Cell, result: CellResult) -> str:
    """Store the network of a result among the user's models, and return its name."""
    name = model_name(sweep, cell)
    with atomic_files.new_folder(paths.models_folder() / name, replace=True) as aside:
        unpack_model(result.archive, aside)
        card = dataclasses.replace(cards.read(aside / "card.json"), name=name)
        (aside / "card.json").write_text(card.to_json(), encoding="utf-8")
    return name


def _seldom(write: Callable[[], object]) -> Callable[[], None]:
    """Write now and then: a table of thousands of cells is not worth writing after each."""
    last = 0.0

    def write_if_due() -> None:
        nonlocal last
        if time.monotonic() - last >= TABLE_SECONDS:
            write()
            last = time.monotonic()

    return write_if_due


def sweep_name(file: Path) -> str:
    """The name of the sweep that a file describes, unless another is asked for."""
    return slug(file.stem)
