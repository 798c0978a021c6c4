"""Commands that look for a backdoor, repair a model, and test what came of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from engine import store
from engine.cli.commands.shared import Answer, check_place, command_line, do, open_for
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses.detectors.spectral_inversion import Detection
from engine.defenses.repairs import COMPARED, parse_repair
from engine.evaluation import metrics
from engine.experiments import (
    analyze,
    backdoor_reactivation,
    repair_tables,
    run_repairs,
    transform_robustness,
)
from engine.experiments.new_model import NewModel
from engine.store import StoredModel


def detect(options: argparse.Namespace) -> Answer:
    """Look for a class that one faint pattern leads to, on clean images alone."""
    stored = store.find(options.model)
    check_place(stored, options)

    def make() -> Detection:
        dataset = open_for(stored, options)
        return analyze.detect(stored, dataset)

    def answer(found: Detection) -> Answer:
        names = stored.card.class_names
        evidence = found.evidence(names)
        tables = {"detection": evidence}
        if found.flagged_class is not None:
            tables["recovered-spectrum"] = found.spectrum()
        _keep(stored, tables, options)
        return {
            "model": stored.name,
            "flagged_class": None if found.flagged_class is None else names[found.flagged_class],
            "finding": found.describe(names),
            "faintest": evidence.head(5).to_dict("records"),
        }

    return do(options, make, answer)


def repair(options: argparse.Namespace) -> Answer:
    """Repair a model with clean validation images alone, and keep the result."""
    stored = store.find(options.model)
    method = parse_repair(options.method)
    store.check_free(options.name, options.replace)

    def make() -> StoredModel:
        dataset = open_for(stored, options)
        return run_repairs.repair(
            stored,
            dataset,
            method,
            NewModel(options.name, command_line(options), options.replace),
        )

    def answer(kept: StoredModel) -> Answer:
        return {
            "model": kept.name,
            "folder": str(kept.folder),
            "method": str(method),
            "summary": kept.card.repair["summary"],
            "before": {key: stored.card.scores["test"][key] for key in metrics.METRICS},
            "after": {key: kept.card.scores["test"][key] for key in metrics.METRICS},
        }

    return do(options, make, answer)


def compare_repairs(options: argparse.Namespace) -> Answer:
    """Try repairs on a model, one after the other, and set them side by side."""
    stored = store.find(options.model)
    texts = list(COMPARED) if options.all else options.method
    if not texts:
        raise UserError("Say which repairs to try: --all, or --method NAME once or more.")
    methods = [parse_repair(text) for text in texts]

    def make() -> pd.DataFrame:
        dataset = open_for(stored, options)
        return run_repairs.compare(stored, dataset, methods, command_line(options))

    def answer(_: pd.DataFrame) -> Answer:
        table = repair_tables.compare_stored(store.find(stored.name)).round(3)
        shown = ["title", *metrics.METRICS, "der", "channels", "seconds", "problem"]
        return {"model": stored.name, "repairs": table[shown].to_dict("records")}

    return do(options, make, answer)


def save_repair(options: argparse.Namespace) -> Answer:
    """Keep a repaired copy that `repairs` made as a model of its own."""
    stored = store.find(options.model)
    method, made = parse_repair(options.method).name, run_repairs.saved_repairs(stored)
    if method not in made:
        there = ", ".join(made) or "none yet"
        raise UserError(
            f"No copy of '{stored.name}' repaired by '{method}' is here ({there}):"
            f" make it with `python -m engine compare-repairs {stored.name} --method {method}`."
        )
    kept = store.copy_as(made[method], options.name, options.replace)
    return {"model": kept.name, "folder": str(kept.folder)}


def summarize_repairs(options: argparse.Namespace) -> Answer:
    """What repairs did to several models: mean, lowest and highest of each figure."""
    table = repair_tables.summarize_models([store.find(name) for name in options.models])
    if table.empty:
        raise UserError(
            "No repair was tried on all of them: run `python -m engine compare-repairs` first."
        )
    store.write_table(options.out, table)
    shown = ["title", *metrics.METRICS, "der", "seconds"]
    return {
        "models": options.models,
        "repairs": table[shown].round(2).to_dict("records"),
        "file": str(options.out),
    }


def robustness(options: argparse.Namespace) -> Answer:
    """How a model reads triggered images after JPEG, PNG and resizing."""
    return _studied(options, transform_robustness.TABLE, transform_robustness.measure_robustness)


def reactivate(options: argparse.Namespace) -> Answer:
    """Whether a repaired model's backdoor comes back when it is trained on, clean images alone."""
    return _studied(
        options, backdoor_reactivation.TABLE, backdoor_reactivation.measure_reactivation
    )


def _studied(
    options: argparse.Namespace,
    name: str,
    study: Callable[[StoredModel, Dataset], pd.DataFrame],
) -> Answer:
    """A table on a model, kept beside it."""
    stored = store.find(options.model)
    check_place(stored, options)

    def make() -> pd.DataFrame:
        dataset = open_for(stored, options)
        return study(stored, dataset)

    def answer(table: pd.DataFrame) -> Answer:
        _keep(stored, {name: table}, options)
        return {"model": stored.name, name: table.round(3).to_dict("records")}

    return do(options, make, answer)


def _keep(
    stored: StoredModel, tables: dict[str, pd.DataFrame], options: argparse.Namespace
) -> None:
    """Keep tables in the folder that --out names, else beside the model."""
    out: Path | None = options.out
    if out is None:
        stored.keep(tables, command_line(options))
        return
    for name, table in tables.items():
        store.write_table(out / f"{name}.csv", table)
