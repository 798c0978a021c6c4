"""Commands on channels: what they do on clean and triggered images, what pruning them does."""

from __future__ import annotations

import argparse

import pandas as pd

from engine import store
from engine.cli.commands.shared import Answer, check_place, command_line, do, open_for
from engine.core import tensorflow_runtime
from engine.core.errors import UserError
from engine.defenses.pruning.curve import Curve, check_threshold
from engine.defenses.pruning.orders import find_order
from engine.experiments import analyze
from engine.store import pruning_curves


def activations(options: argparse.Namespace) -> Answer:
    """Mean and share of positive values of each channel, on clean and on triggered images."""
    stored = store.find(options.model)
    if options.layer and not options.out:
        raise UserError("With --layer, say where to write the table: --out FILE.csv.")
    check_place(stored, options)

    def make() -> pd.DataFrame:
        dataset = open_for(stored, options)
        layers = [options.layer] if options.layer else []
        return analyze.measure_activations(stored, dataset, layers)

    def answer(table: pd.DataFrame) -> Answer:
        path = options.out or stored.folder / "activations.csv"
        if options.out:
            store.write_table(options.out, table)
        else:
            stored.keep({"activations": table}, command_line(options))
        return {"model": stored.name, "rows": len(table), "file": str(path)}

    return do(options, make, answer)


def prune(options: argparse.Namespace) -> Answer:
    """The pruning curve, the table at the thresholds, and the repaired models."""
    stored = store.find(options.model)
    find_order(options.order)
    for threshold in options.thresholds:
        check_threshold(threshold)
    check_place(stored, options)
    layer = options.layer or analyze.last_convolution(stored)

    def make() -> Curve:
        # What stands beside the model already is what would be computed again.
        tensorflow_runtime.import_tensorflow()
        known = pruning_curves.stored_curve(stored, layer, options.order)
        if known and not options.out and not options.dataset:
            return known
        dataset = open_for(stored, options)
        curves = analyze.prune(stored, dataset, layer, [options.order])
        curve = curves[options.order]
        if not options.out:
            stored.keep(pruning_curves.curve_tables(curve), command_line(options))
        return curve

    def answer(curve: Curve) -> Answer:
        thresholds = options.thresholds if options.save else []
        for threshold in thresholds:
            store.check_free(
                pruning_curves.repaired_name(stored, curve, threshold), options.replace
            )
        table = curve.at_thresholds(options.thresholds)
        if options.out:
            store.write_table(options.out / "curve.csv", curve.test)
            store.write_table(options.out / "curve-validation.csv", curve.validation)
            store.write_table(options.out / "thresholds.csv", table)
        saved = [
            pruning_curves.save_repaired(
                stored,
                curve,
                threshold,
                command_line(options),
                replace=options.replace,
                dataset=options.dataset or "",
            ).name
            for threshold in thresholds
        ]
        return {
            "model": stored.name,
            "layer": layer,
            "order": options.order,
            "thresholds": table.round(4).to_dict("records"),
            "files": str(options.out or stored.folder),
            "saved": saved,
        }

    return do(options, make, answer)
