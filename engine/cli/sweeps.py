"""The command that runs a sweep."""

from __future__ import annotations

import os
from pathlib import Path

import click

from engine import store
from engine.cli.options import NAME, File, gathered
from engine.cli.shared import Answer, Call, command, long_work
from engine.core import job_worker, jobs, progress
from engine.core.errors import UserError
from engine.core.progress import Stopped
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.cell_process import Limits
from engine.experiments.sweeps.dask_cluster import DaskCluster
from engine.experiments.sweeps.results import SweepResults
from engine.experiments.sweeps.run import count, expected_minutes, run_sweep, sweep_name
from engine.experiments.sweeps.schedulers import OneAfterTheOther, Scheduler


def _scheduler(
    scheduler: str | None, local: int | None, threads: int, memory: float, gpu: bool
) -> Scheduler:
    """Where the cells are worked on.

    Raises:
        UserError: the options contradict each other.
    """
    limits = Limits(threads, memory)
    if scheduler and local:
        raise UserError("Choose --scheduler or --local, not both.")
    if local is not None and local < 1:
        raise UserError("Start at least one worker: --local 2.")
    if gpu and (local or 0) > 1:
        raise UserError("With --gpu start one worker for each GPU yourself: see docs/sweeps.md.")
    if scheduler or local:
        return DaskCluster(scheduler or "", local or 0, limits, gpu)
    if gpu:
        raise UserError("--gpu needs workers that declare GPUs: add --scheduler or --local.")
    return OneAfterTheOther(limits)


@command("sweep")
@click.argument("file", type=File("FILE.yaml"), help="What to sweep over; see docs/sweeps.md.")
@click.option("--name", type=NAME, help="Of the sweep; the file's name if left out.")
@click.option("--dry-run", is_flag=True, help="List the cells and how long they should take.")
@click.option("--keep-models", is_flag=True, help="Store every network as a model.")
@gathered(
    "scheduler",
    _scheduler,
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Work on the workers of this Dask scheduler, such as tcp://10.0.0.5:8786.",
    ),
    click.option("--local", type=int, metavar="N", help="Start N Dask workers on this machine."),
    click.option(
        "--threads",
        type=int,
        default=0,
        help="TensorFlow's threads for each cell; 0: its choice, or a worker's share of the cores.",
    ),
    click.option(
        "--memory",
        type=float,
        default=0.0,
        metavar="GB",
        help="Stop a cell that uses more; 0: no limit.",
    ),
    click.option("--gpu", is_flag=True, help="Give each cell one of the workers' GPUs."),
)
@long_work
def sweep(
    file: Path,
    name: str | None,
    dry_run: bool,
    keep_models: bool,
    scheduler: Scheduler,
    call: Call,
) -> Answer:
    """Train and measure every combination of settings.

    The results go into one table, a row for each cell and figure. The same command resumes a sweep
    that was interrupted or stopped: what is done is not done again. Cells that failed are tried
    again.
    """
    cells = sweep_file.read(file)
    chosen = store.check_name(name) if name else sweep_name(file)
    results = SweepResults.of(chosen)
    if dry_run:
        return _describe(chosen, cells, results)
    job = jobs.job_named(call.job or jobs.name_of("sweep", chosen))

    def work() -> Answer:
        if call.root:
            os.environ["PRUNING_LAB_DATA"] = str(call.root)  # for the cells' own processes
        with job_worker.turn(job), progress.stopping_when(job.stop_requested):
            try:
                run_sweep(chosen, cells, scheduler, keep_models)
            except Stopped:
                return _answer(chosen, cells, results) | {"stopped": True}
            return _answer(chosen, cells, results)

    return call.run_as(job, work)


def _describe(name: str, cells: list[Cell], results: SweepResults) -> Answer:
    missing = set(results.missing(cells))
    minutes = {cell: expected_minutes(cell) for cell in cells}
    left = [minutes[cell] for cell in missing]
    return {
        "sweep": name,
        "cells": [
            {**cell.settings(), "minutes": _rounded(minutes[cell]), "done": cell not in missing}
            for cell in cells
        ],
        "to_do": len(missing),
        "minutes_on_two_cores": None if None in left else _rounded(sum(filter(None, left))),
    }


def _rounded(minutes: float | None) -> float | None:
    return None if minutes is None else round(minutes, 1)


def _answer(name: str, cells: list[Cell], results: SweepResults) -> Answer:
    outcome = count(results, cells)
    return {
        "sweep": name,
        "cells": len(cells),
        "done": outcome.done,
        "failed": outcome.failed,
        "files": f"{results.csv}, {results.parquet}",
    }
