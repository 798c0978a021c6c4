"""The work of a cell: train, prune, detect, repair, and say what came of it."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engine import store
from engine.core import atomic_files, command_line, paths, progress
from engine.core.errors import UserError
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
from engine.experiments.workers import model_archive
from engine.experiments.workers.task import Outcome, Row
from engine.store import StoredModel


def do(settings: str, model: str, network: bytes) -> Outcome:
    """Train the cell's network unless it is given, and try on it what the cell names.

    An interrupted training is resumed, if this machine has its checkpoint.

    Args:
        settings: the cell as JSON.
        model: what commands on the model's card call it.
        network: an archive with the cell's network; empty if it is to be trained.

    Returns:
        The model, with what detectors and repairs stored beside it, and a row for each figure with
        the columns `subjects.FIGURE`.

    Raises:
        UserError: the dataset is missing, or the training cannot be done.
    """
    cell = Cell.from_json(settings)
    trained = model_archive.unpack(network, f"cell-{cell.key}") if network else None
    progress.report(0, 0, "Loading the dataset")
    dataset = load_dataset(cell.dataset, fetching=True)
    stored = trained or _train(cell, dataset, model)
    rows = list(_network_rows(stored, dataset))
    if trained is None:
        rows += _training_rows(stored)
    rows += _pruning_rows(stored, dataset, cell.pruning)
    for text in cell.detectors:
        rows += _detector_rows(stored, dataset, text)
    for text in cell.repairs:
        stored, found = _repair_rows(stored, dataset, text, model)
        rows += found
    return Outcome(stored, rows)


def _train(cell: Cell, dataset: Dataset, model: str) -> StoredModel:
    """Train under a name that no model here has; only the command knows the later one."""
    checkpoint = _checkpoint(cell, dataset)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    new = NewModel(f"cell-{cell.key}", cell.command(model))
    try:
        return train(dataset, cell.plan(), new, checkpoint)
    except atomic_files.WriteError:
        raise
    except UserError:
        checkpoint.unlink(missing_ok=True)  # it may be why; the next attempt starts afresh
        raise


def _checkpoint(cell: Cell, dataset: Dataset) -> Path:
    """Where the training is saved on this machine: for these settings and these images."""
    images = zlib.crc32(np.ascontiguousarray(dataset.train.images).data)
    return paths.cache_folder() / "cells" / f"{cell.training_key}-{images:08x}.checkpoint"


def _network_rows(stored: StoredModel, dataset: Dataset) -> Iterator[Row]:
    """What the network reaches, and how visible the trigger is."""
    for name, value in analyze.evaluate(stored, dataset).percentages().items():
        yield _row(name, value)
    images = visibility.sample(dataset.test.images)
    found = visibility.measure(images, stored.card.known_backdoor().trigger(images))
    yield from (_row("psnr", found.psnr), _row("ssim", found.ssim))


def _training_rows(stored: StoredModel) -> Iterator[Row]:
    """How long the training took."""
    history = stored.table("history")
    assert history is not None
    yield _row("seconds", float(history["seconds"].sum()))


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


def _repair_rows(
    stored: StoredModel, dataset: Dataset, text: str, model: str
) -> tuple[StoredModel, list[Row]]:
    method = parse_repair(text)
    command = command_line.command("compare-repairs", model, "--method", text)
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
