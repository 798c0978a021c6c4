"""The commands that run a sweep and draw what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from engine import store
from engine.cli.cluster_options import scheduler_options, show_datasets
from engine.cli.options import NAME, File, Parsed, gathered, out_option
from engine.cli.shared import Answer, Call, command, long_work
from engine.core import atomic_files, job_worker, jobs, progress
from engine.core.errors import UserError, unknown
from engine.core.progress import Stopped
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.figures import FIGURES, settings_of
from engine.experiments.sweeps.results import SweepResults, publish, sweep_names
from engine.experiments.sweeps.results import find as find_results
from engine.experiments.sweeps.run import (
    Networks,
    count,
    expected_minutes,
    find_trained,
    run_sweep,
    sweep_name,
)
from engine.experiments.workers.schedulers import Scheduler
from engine.store import StoredModel


@command("sweep")
@click.argument("file", type=File("FILE.yaml"), help="What to sweep over; see docs/sweeps.md.")
@click.option("--name", type=NAME, help="Of the sweep; the file's name if left out.")
@click.option("--dry-run", is_flag=True, help="List the cells and how long they should take.")
@gathered(
    "networks",
    Networks,
    click.option("--keep-models", is_flag=True, help="Store every network as a model."),
    click.option(
        "--use-models",
        is_flag=True,
        help="Do not train a network that is stored as a model with just these settings.",
    ),
)
@out_option("FILE.csv", "Write the table there too, without the names of the machines.")
@scheduler_options
@long_work
def sweep(
    file: Path,
    name: str | None,
    dry_run: bool,
    networks: Networks,
    out: Path | None,
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
        return _describe(chosen, cells, results, find_trained(cells) if networks.use_models else {})
    job = jobs.job_named(call.job or jobs.name_of("sweep", chosen))

    def work() -> Answer:
        show_datasets(call.root)
        with job_worker.turn(job), progress.stopping_when(job.stop_requested):
            try:
                run_sweep(chosen, cells, scheduler, networks)
            except Stopped:
                return _answer(chosen, cells, results) | {"stopped": True}
        if out:
            publish(results.table(cells), out)
        return _answer(chosen, cells, results)

    return call.run_as(job, work)


def _describe(
    name: str, cells: list[Cell], results: SweepResults, known: Mapping[Cell, StoredModel]
) -> Answer:
    missing = set(results.missing(cells))
    minutes = {cell: expected_minutes(cell, cell in known) for cell in cells}
    left = [minutes[cell] for cell in missing]
    return {
        "sweep": name,
        "cells": [
            {
                **cell.settings(),
                **({"model": known[cell].name} if cell in known else {}),
                "minutes": _rounded(minutes[cell]),
                "done": cell not in missing,
            }
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


@command("chart-sweep")
@click.argument("name", type=Parsed("SWEEP", names=sweep_names), help="Name of the sweep.")
@click.option(
    "--figure",
    "figures",
    type=Parsed("NAME", names=lambda: FIGURES),
    multiple=True,
    help=f"What to draw, a map for each: {', '.join(FIGURES)}. Attack success if left out.",
)
@click.option("--x", default="rate", help="The setting from left to right.")
@click.option("--y", default="trigger_magnitude", help="The setting from bottom to top.")
@out_option("FILE.svg", "Write the picture there.", required=True)
@long_work
def chart_sweep(
    name: str, figures: tuple[str, ...], x: str, y: str, out: Path, call: Call
) -> Answer:
    """Draw figures of a sweep as maps over two settings.

    A figure is that of the networks themselves, else of the first thing tried that has it; each
    field is the mean over all other settings.
    """
    results = find_results(name)
    table = results.table(results.cells())
    if x == y:
        raise UserError("A map needs two different settings: change --x or --y.")
    for setting in (x, y):
        if setting not in settings_of(table):
            raise unknown("setting", setting, settings_of(table))

    def work() -> Answer:
        from engine.reporting import export, sweep_charts

        chosen = figures or ("attack_success",)
        picture = export.svg(sweep_charts.maps(table, chosen, {"x": x, "y": y}))
        with atomic_files.new_file(out) as aside:
            aside.write_bytes(picture)
        return {"sweep": name, "file": str(out)}

    return call.run(work)
