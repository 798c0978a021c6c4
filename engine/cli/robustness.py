"""Commands that test what a backdoor survives: changed images, further training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pandas as pd

from engine.cli.options import ModelChoice, model_choice
from engine.cli.shared import (
    Answer,
    Call,
    check_out,
    command,
    long_work,
    store_tables,
    tables_out_option,
)
from engine.datasets import Dataset
from engine.experiments import backdoor_reactivation, transform_robustness
from engine.store import StoredModel


@command("robustness")
@model_choice
@tables_out_option
@long_work
def robustness(choice: ModelChoice, out: Path | None, call: Call) -> Answer:
    """Measure a trigger after JPEG, PNG and resizing."""
    table, measure = transform_robustness.TABLE, transform_robustness.measure_robustness
    return _measure(choice, out, call, table, measure)


@command("reactivate")
@model_choice
@click.option(
    "--every-repair",
    is_flag=True,
    help="Test all repaired copies of the model, and a clean network for comparison. The same"
    " command resumes work that was interrupted.",
)
@tables_out_option
@long_work
def reactivate(choice: ModelChoice, every_repair: bool, out: Path | None, call: Call) -> Answer:
    """Train a repaired model on: does the backdoor come back?

    On clean images, and on clean images among which are five poisoned ones.
    """
    if not every_repair:
        table, measure = backdoor_reactivation.TABLE, backdoor_reactivation.measure_reactivation
        return _measure(choice, out, call, table, measure)
    table = backdoor_reactivation.OF_REPAIRS

    def measure_all(stored: StoredModel, dataset: Dataset) -> pd.DataFrame:
        return backdoor_reactivation.measure_repairs(
            stored,
            dataset,
            earlier=None if out else stored.table(table),
            keep=lambda found: store_tables(choice, {table: found}, out),
        )

    return _measure(choice, out, call, table, measure_all)


def _measure(
    choice: ModelChoice,
    out: Path | None,
    call: Call,
    name: str,
    measure: Callable[[StoredModel, Dataset], pd.DataFrame],
) -> Answer:
    """Make the table called `name` with `measure`, and store it."""
    check_out(choice, out)

    def work() -> Answer:
        table = measure(choice.stored, choice.load(call.root))
        store_tables(choice, {name: table}, out)
        return {"model": choice.stored.name, name: table.round(3).to_dict("records")}

    return call.run(work)
