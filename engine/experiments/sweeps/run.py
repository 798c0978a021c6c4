"""Running a sweep: what is missing is worked on, and the table grows with each cell."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median

import pandas as pd

from engine import store
from engine.core import paths, read_only
from engine.core.errors import UserError
from engine.core.names import slug
from engine.datasets import default_size
from engine.experiments import repair_tables
from engine.experiments.same_training import differing_settings
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.results import SweepResults
from engine.experiments.sweeps.subjects import SUBJECT
from engine.experiments.training_estimates import TrainingEstimates, read_estimates
from engine.experiments.workers import model_archive
from engine.experiments.workers.schedulers import Scheduler
from engine.experiments.workers.task import Result, Task
from engine.networks.architectures import parse_architecture
from engine.store import ModelCard, StoredModel

TABLE_SECONDS = 10.0  # between two writes of the tables, at least
DETECTION_MINUTES = 0.5
RECENT_CELLS = 10


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


@dataclass(frozen=True)
class Networks:
    """Where the networks of a sweep come from, and what becomes of them.

    Attributes:
        keep_models: whether each network is stored as a model.
        use_models: whether stored models are used in place of trainings with the same settings.
    """

    keep_models: bool = False
    use_models: bool = False


NEITHER = Networks()


def run_sweep(
    name: str,
    cells: Sequence[Cell],
    scheduler: Scheduler,
    networks: Networks = NEITHER,
) -> SweepOutcome:
    """Work on the cells that are not done yet, and write the table.

    Args:
        name: of the sweep; the same name goes on where the sweep was interrupted.
        cells: all of the sweep.
        scheduler: where they are worked on.
        networks: where they come from, and what becomes of them.

    Raises:
        UserError: the work cannot begin, or a result cannot be stored.
        Stopped: a stop was requested; what is done is kept.
    """
    results = SweepResults.of(name)
    write = _seldom(lambda: results.write_tables(cells))

    read_only.check()
    results.begin(cells)
    missing = results.missing(cells)
    known = find_trained(missing) if networks.use_models else {}

    by_key = {cell.key: cell for cell in missing}

    def keep(key: str, result: Result) -> None:
        cell = by_key[key]
        trained, model = known.get(cell), ""
        if trained is not None:
            model = trained.name
        elif networks.keep_models and result.archive:
            model = model_archive.unpack(result.archive, model_name(name, cell)).name
        results.add(cell, result, model)
        write()

    try:
        if missing:
            tasks = (_task(name, cell, known) for cell in missing)
            scheduler.run(tasks, len(missing), keep)
    finally:
        results.write_tables(cells)
    return count(results, cells)


def count(results: SweepResults, cells: Sequence[Cell]) -> SweepOutcome:
    """What a sweep has come to so far."""
    return outcome_of(results.table(cells))


def outcome_of(table: pd.DataFrame) -> SweepOutcome:
    """How many of the cells in a table are done, and how many failed."""
    whole = (table[list(SUBJECT)].fillna("") == "").all(axis=1)
    failed = table.loc[whole & (table["problem"].fillna("") != ""), "cell"].nunique()
    return SweepOutcome(table, table["cell"].nunique() - failed, failed)


def seconds_between_cells(table: pd.DataFrame) -> float | None:
    """How long a cell takes, all workers together, by those that ended last; None if unknown."""
    cells = table.drop_duplicates("cell").dropna(subset=["finished", "cell_seconds"])
    ends = pd.to_datetime(cells["finished"], utc=True)
    latest = ends.sort_values().tail(RECENT_CELLS)
    if latest.empty:
        return None
    lasted = pd.to_timedelta(cells.loc[latest.index, "cell_seconds"], unit="s")
    starts = latest - lasted
    at_once = max(int(((starts <= start) & (latest > start)).sum()) for start in starts)
    return float(lasted.mean().total_seconds() / max(1, at_once))


def expected_minutes(cell: Cell, is_trained: bool = False) -> float | None:
    """How long a cell takes on two cores, from what was measured; None if nothing tells."""
    return minutes_of(cell, read_estimates(), is_trained)


def minutes_of(cell: Cell, estimates: TrainingEstimates, is_trained: bool = False) -> float | None:
    """The same, by estimates that were read before, and for a network that is trained already."""
    network = parse_architecture(cell.network)
    training = estimates.of(cell.dataset, cell.training(), network).minutes
    if is_trained:
        training = 0.0
    if training is None:
        return None
    repairs = sum(_repair_minutes(text.partition(":")[0]) for text in cell.repairs)
    return training + DETECTION_MINUTES * len(cell.detectors) + repairs


def model_name(sweep: str, cell: Cell) -> str:
    """The name of the model that a cell's network is stored as."""
    return slug(sweep, cell.attack, cell.training_key[:8])


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


def find_trained(cells: Sequence[Cell]) -> dict[Cell, StoredModel]:
    """The stored models that were trained with just the settings of cells, by cell."""
    models = [stored for stored in store.readable_models() if _is_trained_here(stored.card)]
    found = {}
    for cell in cells:
        plan, side = cell.plan(), default_size(cell.dataset)
        for stored in models:
            card = stored.card
            images = (card.dataset, card.image_shape[0])
            if images == (cell.dataset, side) and not differing_settings(card, plan):
                found[cell] = stored
                break
    return found


def _is_trained_here(card: ModelCard) -> bool:
    """Whether a model is what a whole training with a known trigger gave."""
    changed = card.repair or card.assumed or card.training.get("stopped", True)
    return card.knows_trigger and not changed


def _task(sweep: str, cell: Cell, known: dict[Cell, StoredModel]) -> Task:
    """What a worker is to do; a known model that is gone by now is forgotten, and trained."""
    stored = known.get(cell)
    if stored is None:
        return cell.task(model_name(sweep, cell))
    with suppress(UserError, OSError):
        if store.find(stored.name).card.sha256 == stored.card.sha256:
            return cell.task(stored.name, model_archive.pack(stored))
    del known[cell]
    return cell.task(model_name(sweep, cell))


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
