"""The work of a cell: train, detect, repair, and say what came of it."""

from __future__ import annotations

import platform
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine import store
from engine.core import command_line, progress
from engine.core.errors import UserError
from engine.core.version import program_version
from engine.datasets import Dataset, load_dataset
from engine.defenses.detectors import Detection, parse_detector
from engine.defenses.repairs import parse_repair
from engine.evaluation import metrics, visibility
from engine.experiments import analyze, repair_tables, run_repairs
from engine.experiments.new_model import NewModel
from engine.experiments.sweeps.cell import Cell
from engine.experiments.train import train
from engine.store import StoredModel

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What the work of a cell gives.

    Attributes:
        stored: the model, with what detectors and repairs stored beside it.
        rows: one for each figure: detector, repair, figure, value and problem.
    """

    stored: StoredModel
    rows: list[Row]


def do_cell(cell: Cell, model: str) -> Outcome:
    """Train the cell's network, and try its detectors and repairs on it.

    Args:
        cell: what to do.
        model: name of the model, which must not exist.

    Raises:
        UserError: the dataset is missing, or the training cannot be done.
    """
    progress.report(0, 0, "Loading the dataset")
    dataset = load_dataset(cell.dataset, fetching=True)
    plan = cell.plan()
    stored = train(dataset, plan, NewModel(model, cell.command(model)))
    rows = list(_network_rows(stored, dataset))
    for text in cell.detectors:
        rows += _detector_rows(stored, dataset, text)
    for text in cell.repairs:
        stored, found = _repair_rows(stored, dataset, text)
        rows += found
    return Outcome(stored, rows)


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
    assert history is not None
    yield _row("seconds", float(history["seconds"].sum()))
    images = visibility.sample(dataset.test.images)
    found = visibility.measure(images, stored.card.known_backdoor().trigger(images))
    yield from (_row("psnr", found.psnr), _row("ssim", found.ssim))


def _detector_rows(stored: StoredModel, dataset: Dataset, text: str) -> list[Row]:
    started = time.monotonic()
    try:
        detection = analyze.detect(stored, dataset, parse_detector(text))
    except UserError as error:
        return [_row("", float("nan"), detector=text, problem=str(error))]
    seconds = time.monotonic() - started
    found = _detection_figures(detection, stored) | {"seconds": seconds}
    return [_row(name, value, detector=text) for name, value in found.items()]


def _detection_figures(detection: Detection, stored: StoredModel) -> dict[str, float]:
    """Whether the target was flagged, how many other classes were, and the target's score."""
    target = stored.card.known_backdoor().target
    attacked = bool(stored.card.rate)
    if attacked and target < 0:  # all-to-all: every class is a target
        return {"flagged": float(len(detection.flagged) > 0)}
    others = [label for label in detection.flagged if not attacked or label != target]
    figures = {"flagged_others": float(len(others))}
    if attacked:
        figures["flagged_target"] = float(target in detection.flagged)
        figures["target_score"] = float(detection.scores[target])
    return figures


def _repair_rows(stored: StoredModel, dataset: Dataset, text: str) -> tuple[StoredModel, list[Row]]:
    method = parse_repair(text)
    command = command_line.command("compare-repairs", stored.name, "--method", text)
    try:
        run_repairs.compare(stored, dataset, [method], command)
    except UserError as error:
        return stored, [_row("", float("nan"), repair=text, problem=str(error))]
    stored = store.find(stored.name)
    (row,) = (row for row in repair_tables.tried_rows(stored) if row["method"] == str(method))
    problem = str(row["problem"] or "")
    if problem and problem != "nan":
        return stored, [_row("", float("nan"), repair=text, problem=problem)]
    names = (*metrics.measured(row), "seconds")
    return stored, [_row(name, float(row[name]), repair=text) for name in names]


def _row(figure: str, value: float, detector: str = "", repair: str = "", problem: str = "") -> Row:
    return {
        "detector": detector,
        "repair": repair,
        "figure": figure,
        "value": value,
        "problem": problem,
    }
