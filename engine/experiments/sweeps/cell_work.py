"""The work of a cell: train, prune, detect, repair, and say what came of it."""

from __future__ import annotations

import math
import platform
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine import store
from engine.core import command_line, paths, progress
from engine.core.errors import UserError
from engine.core.version import program_version
from engine.datasets import Dataset, load_dataset
from engine.defenses.detectors import parse_detector
from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.repairs import parse_repair
from engine.evaluation import metrics, visibility
from engine.experiments import analyze, repair_tables, run_repairs
from engine.experiments.new_model import NewModel
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.subjects import SUBJECT, pruned_until
from engine.experiments.train import train
from engine.store import StoredModel

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What the work of a cell gives.

    Attributes:
        stored: the model, with what detectors and repairs stored beside it.
        rows: one for each figure: see `subjects.FIGURE`.
    """

    stored: StoredModel
    rows: list[Row]


def do_cell(cell: Cell, model: str) -> Outcome:
    """Train the cell's network unless it is there, and try on it what the cell names.

    An interrupted training is resumed, if this machine has its checkpoint.

    Args:
        cell: what to do.
        model: name of the model; if it exists, it is the cell's network.

    Raises:
        UserError: the dataset is missing, or the training cannot be done.
    """
    progress.report(0, 0, "Loading the dataset")
    dataset = load_dataset(cell.dataset, fetching=True)
    stored = store.find(model) if model in store.names() else _train(cell, dataset, model)
    rows = list(_network_rows(stored, dataset))
    rows += _pruning_rows(stored, dataset, cell.pruning)
    for text in cell.detectors:
        rows += _detector_rows(stored, dataset, text)
    for text in cell.repairs:
        stored, found = _repair_rows(stored, dataset, text)
        rows += found
    return Outcome(stored, rows)


def _train(cell: Cell, dataset: Dataset, model: str) -> StoredModel:
    checkpoint = paths.cache_folder() / "cells" / f"{cell.training_key}.checkpoint"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    return train(dataset, cell.plan(), NewModel(model, cell.command(model)), checkpoint)


def about_this_machine() -> Row:
    """Versions and host, for the table's last columns."""
    versions = store.versions()
    return {
        "version": program_version(),
        "python": versions["python"],
        "tensorflow": versions.get("tensorflow") or versions.get("tensorflow-cpu", ""),
        "keras": versions.get("keras", ""),
        "host": socket.gethostname(),
        "processor": platform.processor() or platform.machine(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _network_rows(stored: StoredModel, dataset: Dataset) -> Iterator[Row]:
    """What the network reaches, how visible the trigger is, and how long the training took."""
    scores = stored.card.scores["test"]
    for name in metrics.measured(scores):
        yield _row(name, scores[name])
    history = stored.table("history")
    if history is not None:
        yield _row("seconds", float(history["seconds"].sum()))
    images = visibility.sample(dataset.test.images)
    found = visibility.measure(images, stored.card.known_backdoor().trigger(images))
    yield from (_row("psnr", found.psnr), _row("ssim", found.ssim))


def _pruning_rows(stored: StoredModel, dataset: Dataset, orders: Sequence[str]) -> Iterator[Row]:
    """What is left at each of the paper's thresholds."""
    if not orders:
        return
    try:
        curves = analyze.prune(stored, dataset, analyze.last_convolution(stored), orders)
    except UserError as error:
        yield from (_problem(error, pruning=order) for order in orders)
        return
    for order, curve in curves.items():
        for row in curve.at_thresholds(PAPER_THRESHOLDS).to_dict("records"):
            text = pruned_until(order, row["threshold"])
            yield _row("channels_pruned", 100 * row["fraction"], pruning=text)
            yield from (_row(name, row[name], pruning=text) for name in metrics.measured(row))


def _detector_rows(stored: StoredModel, dataset: Dataset, text: str) -> list[Row]:
    started = time.monotonic()
    try:
        detection = analyze.detect(stored, dataset, parse_detector(text))
    except UserError as error:
        return [_problem(error, detector=text)]
    seconds = time.monotonic() - started
    found = _detection_figures(detection.flagged, stored) | {"seconds": seconds}
    target = stored.card.known_backdoor().target
    if stored.card.rate and target >= 0:
        found["target_score"] = float(detection.scores[target])
    return [_row(name, value, detector=text) for name, value in found.items()]


def _detection_figures(flagged: Sequence[int], stored: StoredModel) -> dict[str, float]:
    """Whether the target was flagged, and how many other classes were."""
    target = stored.card.known_backdoor().target
    attacked = bool(stored.card.rate)
    if attacked and target < 0:  # all-to-all: every class is a target
        return {"flagged": float(len(flagged) > 0)}
    others = [label for label in flagged if not attacked or label != target]
    figures = {"flagged_others": float(len(others))}
    if attacked:
        figures["flagged_target"] = float(target in flagged)
    return figures


def _repair_rows(stored: StoredModel, dataset: Dataset, text: str) -> tuple[StoredModel, list[Row]]:
    method = parse_repair(text)
    command = command_line.command("compare-repairs", stored.name, "--method", text)
    try:
        run_repairs.compare(stored, dataset, [method], command)
    except UserError as error:
        return stored, [_problem(error, repair=text)]
    stored = store.find(stored.name)
    (row,) = (row for row in repair_tables.tried_rows(stored) if row["method"] == str(method))
    problem = str(row["problem"] or "")
    if problem and problem != "nan":
        return stored, [_problem(problem, repair=text)]
    figures = {name: float(row[name]) for name in (*metrics.measured(row), "seconds")}
    return stored, [_row(name, value, repair=text) for name, value in figures.items()]


def _row(figure: str, value: float, **subject: str) -> Row:
    """A row about the network itself, or about what `subject` names."""
    return dict.fromkeys(SUBJECT, "") | subject | {"figure": figure, "value": value, "problem": ""}


def _problem(problem: object, **subject: str) -> Row:
    """The row about something that could not be tried."""
    return _row("", math.nan, **subject) | {"problem": str(problem)}
