"""Commands that look for a backdoor, repair a model, and compare repairs."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from engine import store
from engine.cli.cluster_options import cluster_options, show_datasets
from engine.cli.options import (
    DATASET,
    DETECTOR,
    MODEL,
    REPAIR,
    ModelChoice,
    Parsed,
    model_argument,
    model_choice,
    out_option,
)
from engine.cli.shared import (
    Answer,
    Call,
    check_out,
    command,
    confirm_option,
    exit_with,
    long_work,
    new_model_options,
    ready_for_json,
    recorded_command,
    store_tables,
    tables_out_option,
)
from engine.core import command_line
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses.detectors import DETECTORS, Detector, TriggerInversion
from engine.defenses.detectors.trigger_inversion import InversionDetection
from engine.defenses.repairs import REPAIRS, Repair, compared_repairs, parse_repair
from engine.evaluation import metrics
from engine.experiments import (
    analyze,
    other_images,
    recovery_ceiling,
    repair_tables,
    repair_trials,
    run_repairs,
)
from engine.experiments.new_model import NewModel
from engine.experiments.workers.dask_cluster import DaskCluster
from engine.store import StoredModel, near_chance, scans

BACKDOOR_FOUND = 3  # exit status of `detect`, so that a pipeline can refuse the model


@command("detect")
@model_choice
@click.option(
    "--detector",
    type=DETECTOR,
    default=TriggerInversion.name,
    help=f"Detectors: {', '.join(DETECTORS)}. What another one, or one with other settings than"
    " the first has by itself, finds is stored only with --out.",
)
@tables_out_option
@long_work
def detect(choice: ModelChoice, detector: Detector, out: Path | None, call: Call) -> Answer:
    """Search for a class that a backdoor leads to.

    The exit status is 3 if one was found.
    """
    check_out(choice, out)

    def work() -> Answer:
        dataset, started = choice.load(call.root), time.monotonic()
        found = analyze.detect(choice.stored, dataset, detector)
        seconds = time.monotonic() - started
        names = choice.stored.card.class_names
        evidence = found.evidence(names)
        if out or detector == TriggerInversion():  # a narrower search is no verdict on the model
            tables = (
                scans.tables_of(found, names)
                if isinstance(found, InversionDetection)
                else {scans.EVIDENCE: evidence}
            )
            store_tables(choice, tables, out)
        if found.flagged:
            exit_with(BACKDOOR_FOUND)
        return {
            "model": choice.stored.name,
            "verdict": "backdoor found" if found.flagged else "no backdoor found",
            "finding": found.describe(names),
            "flagged": [names[label] for label in found.flagged],
            "most_suspicious": ready_for_json(evidence.head(5)),
            "seconds": round(seconds, 1),
        }

    return call.run(work)


images_option = click.option(
    "--images",
    type=DATASET,
    help="Repair with the clean validation images of this dataset, which has the same classes; the"
    " model's own if left out. The result is scored on the model's own either way.",
)


@command("repair")
@model_argument
@click.option(
    "--method",
    type=REPAIR,
    default=next(iter(REPAIRS)),
    help="The repair and its settings, such as pruning:order=clean-activation,threshold=10."
    f" Repairs: {', '.join(REPAIRS)}.",
)
@images_option
@new_model_options("Name of the repaired model.")
@confirm_option
@long_work
def repair(
    model: str,
    method: Repair,
    images: str | None,
    new_model: NewModel,
    confirmed: bool,
    call: Call,
) -> Answer:
    """Repair a model with clean images, and store the result."""
    choice = ModelChoice.of(model)
    near_chance.check(choice.stored.card, confirmed)
    store.check_free(new_model.name, new_model.replace)

    def work() -> Answer:
        dataset = choice.load(call.root)
        source = _source(choice, images, call)
        repaired = run_repairs.repair(choice.stored, dataset, method, new_model, confirmed, source)
        return {
            "model": repaired.name,
            "folder": str(repaired.folder),
            "method": str(method),
            "summary": repaired.card.repair["summary"],
            "before": _scores(choice.stored),
            "after": _scores(repaired),
            **_ceiling(repaired),
        }

    return call.run(work)


def _source(choice: ModelChoice, images: str | None, call: Call) -> Dataset | None:
    """The dataset called `images`, at the size of the model's; None if none was named."""
    return None if images is None else ModelChoice(choice.stored, images).load(call.root)


def _scores(stored: StoredModel) -> dict[str, float]:
    scores = stored.card.scores["test"]
    return {metric: scores[metric] for metric in metrics.measured(scores)}


def _ceiling(stored: StoredModel) -> Answer:
    """The ceiling of recovered accuracy and what is reached of it; empty with no trigger."""
    if not stored.card.knows_trigger:
        return {}
    recovered = stored.card.scores["test"]["recovered_accuracy"]
    found = recovery_ceiling.columns(recovered, recovery_ceiling.find(stored))
    return {name: _known(value) for name, value in found.items()}


def _known(value: float) -> float | str:
    return "not known" if math.isnan(value) else round(value, 3)


def _rows(table: pd.DataFrame) -> list[Answer]:
    """The rows of a table, which say where no ceiling is known."""
    return [
        row | {name: _known(row[name]) for name in metrics.CEILING if name in row}
        for row in table.to_dict("records")
    ]


@command("compare-repairs")
@model_argument
@click.option("--all", "every", is_flag=True, help=f"Try {', '.join(compared_repairs())}.")
@click.option(
    "--method",
    "methods",
    type=REPAIR,
    multiple=True,
    help="Try this repair; may be given several times.",
)
@images_option
@confirm_option
@cluster_options
@long_work
def compare_repairs(
    model: str,
    every: bool,
    methods: Sequence[Repair],
    images: str | None,
    confirmed: bool,
    cluster: DaskCluster | None,
    call: Call,
) -> Answer:
    """Try several repairs on a model and compare them.

    With --images the results are stored in a table of their own, and no repaired copy is kept.
    """
    choice = ModelChoice.of(model)
    tried = [parse_repair(name) for name in compared_repairs()] if every else methods
    if not tried:
        raise UserError("Say which repairs to try: --all, or --method NAME once or more.")
    if images and cluster:
        raise UserError(
            "Repairs with other images are tried here: leave out --local and --scheduler."
        )
    near_chance.check(choice.stored.card, confirmed)

    def work() -> Answer:
        dataset, source = choice.load(call.root), _source(choice, images, call)
        if source is not None:
            table = other_images.compare(
                choice.stored, dataset, source, tried, recorded_command(), confirmed
            )
            return {"model": choice.stored.name, "repairs": _rows(table.round(3))}
        if cluster is not None:
            show_datasets(call.root)
            about = (choice.stored, dataset, tried, recorded_command())
            repair_trials.compare(*about, cluster, confirmed)
        else:
            run_repairs.compare(choice.stored, dataset, tried, recorded_command(), confirmed)
        table = repair_tables.compare_stored(store.find(choice.stored.name)).round(3)
        wanted = (
            *("title", *metrics.METRICS, *metrics.CEILING),
            *("der", "channels", "seconds", "problem"),
        )
        shown = [name for name in wanted if name in table]
        return {"model": choice.stored.name, "repairs": _rows(table[shown])}

    return call.run(work)


@command("save-repair")
@model_argument
@click.option(
    "--method",
    type=Parsed("NAME", parse_repair, lambda: REPAIRS),
    required=True,
    help=f"The repair that made the copy: {', '.join(REPAIRS)}.",
)
@new_model_options("Name of the repaired model.")
def save_repair(model: str, method: Repair, new_model: NewModel) -> Answer:
    """Store a copy made by compare-repairs as a model."""
    stored = store.find(model)
    store.check_free(new_model.name, new_model.replace)
    found = run_repairs.find_copy(stored, method)
    copy = store.copy_as(found, new_model.name, new_model.replace)
    return {"model": copy.name, "folder": str(copy.folder)}


@command("summarize-repairs")
@click.argument("models", type=MODEL, nargs=-1, required=True, help="Names of the models.")
@out_option("FILE.csv", "Write the table there.", required=True)
def summarize_repairs(models: tuple[str, ...], out: Path) -> Answer:
    """Summarize the repairs tried on several models."""
    table = repair_tables.summarize_models([store.find(name) for name in models])
    if table.empty:
        again = command_line.command("compare-repairs")
        raise UserError(f"No repair was tried on all of these models: run `{again}` first.")
    store.write_table(out, table)
    shown = ["title", *metrics.METRICS, *metrics.CEILING, "der", "seconds"]
    return {
        "models": list(models),
        "repairs": _rows(table[shown].round(2)),
        "file": str(out),
    }
