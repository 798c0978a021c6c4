"""Commands on channels: how they respond, and what pruning them does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import pandas as pd

from engine import store
from engine.cli.options import (
    NAME,
    ModelChoice,
    Parsed,
    gathered,
    layer_option,
    model_choice,
    order_option,
    out_option,
    parse_thresholds,
)
from engine.cli.shared import (
    Answer,
    Call,
    check_out,
    command,
    confirm_option,
    long_work,
    recorded_command,
    tables_out_option,
)
from engine.core import tensorflow_runtime
from engine.core.errors import UserError
from engine.defenses.pruning.curve import PAPER_THRESHOLDS, Curve, check_threshold
from engine.defenses.pruning.orders import find_order
from engine.experiments import analyze
from engine.store import ModelCard, near_chance, pruning_curves


@command("activations")
@model_choice
@click.option("--layer", type=NAME, help="Measure this layer only; needs --out.")
@out_option("FILE.csv", "Write the table there, not beside the model.")
@long_work
def activations(choice: ModelChoice, layer: str | None, out: Path | None, call: Call) -> Answer:
    """Measure each channel on clean and on triggered images.

    Where no trigger is known, on clean ones alone.
    """
    stored = choice.stored
    if layer and not out:
        raise UserError("With --layer, say where to write the table: --out FILE.csv.")
    check_out(choice, out)

    def work() -> Answer:
        layers = [layer] if layer else []
        table = analyze.measure_activations(stored, choice.load(call.root), layers)
        if out:
            store.write_table(out, table)
        else:
            stored.save_tables({"activations": table}, recorded_command())
        path = out or stored.folder / "activations.csv"
        return {"model": stored.name, "rows": len(table), "file": str(path)}

    return call.run(work)


@dataclass(frozen=True)
class SaveOptions:
    """Whether the pruned networks are stored as models, and may replace others.

    `confirmed`: whether that is done, too, where accuracy is little better than guessing.
    """

    save: bool
    replace: bool
    confirmed: bool

    def check(self, card: ModelCard) -> None:
        """Refuse to store pruned networks of one that seems to guess; see `near_chance`."""
        if self.save:
            near_chance.check(card, self.confirmed)


@command("prune")
@model_choice
@layer_option
@order_option
@click.option(
    "--thresholds",
    type=Parsed("2,10,20,30", parse_thresholds),
    default=",".join(f"{threshold:g}" for threshold in PAPER_THRESHOLDS),
    help="Drops in clean validation accuracy, in percentage points.",
)
@tables_out_option
@gathered(
    "saving",
    SaveOptions,
    click.option("--save", is_flag=True, help="Store the network pruned at each threshold."),
    click.option("--replace", is_flag=True, help="Replace models of those names."),
    confirm_option,
)
@long_work
def prune(
    choice: ModelChoice,
    layer: str | None,
    order: str,
    thresholds: list[float],
    out: Path | None,
    saving: SaveOptions,
    call: Call,
) -> Answer:
    """Prune a layer channel by channel, and report at each threshold."""
    find_order(order)
    for threshold in thresholds:
        check_threshold(threshold)
    check_out(choice, out)
    saving.check(choice.stored.card)
    stored, chosen_layer = choice.stored, layer or analyze.last_convolution(choice.stored)

    def work() -> Answer:
        tensorflow_runtime.import_tensorflow()
        curve = _curve(choice, chosen_layer, order, out, call)
        names = _check_names(stored, curve, thresholds, saving) if saving.save else []
        table = curve.at_thresholds(thresholds)
        if out:
            _write(out, curve, table)
        if saving.save:
            _save_pruned(choice, curve, thresholds, replace=saving.replace)
        return {
            "model": stored.name,
            "layer": chosen_layer,
            "order": order,
            "thresholds": table.round(4).to_dict("records"),
            "files": str(out or stored.folder),
            "saved": names,
        }

    return call.run(work)


def _curve(choice: ModelChoice, layer: str, order: str, out: Path | None, call: Call) -> Curve:
    """The curve stored beside the model, or a new one, which is stored there unless `out`."""
    stored = choice.stored
    own = choice.on_own_dataset and not out
    known = pruning_curves.stored_curve(stored, layer, order) if own else None
    if known:
        return known
    curve = analyze.prune(stored, choice.load(call.root), layer, [order])[order]
    if own:
        stored.save_tables(pruning_curves.curve_tables(curve), recorded_command())
    return curve


def _save_pruned(
    choice: ModelChoice, curve: Curve, thresholds: list[float], *, replace: bool
) -> None:
    """Store the network pruned at each threshold as a model."""
    for threshold in thresholds:
        pruning_curves.save_repaired(
            choice.stored,
            curve,
            threshold,
            recorded_command(),
            replace=replace,
            dataset=choice.dataset,
        )


def _check_names(
    stored: store.StoredModel, curve: Curve, thresholds: list[float], saving: SaveOptions
) -> list[str]:
    """The names of the pruned models, all checked before the first is saved."""
    names = [pruning_curves.repaired_name(stored, curve, threshold) for threshold in thresholds]
    return [store.check_free(name, saving.replace) for name in names]


def _write(out: Path, curve: Curve, table: pd.DataFrame) -> None:
    store.write_table(out / "curve.csv", curve.test)
    store.write_table(out / "curve-validation.csv", curve.validation)
    store.write_table(out / "thresholds.csv", table)
