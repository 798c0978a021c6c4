"""Tables that compare the repairs tried on a model, and over several models."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from engine.core.errors import UserError
from engine.core.parameters import format_value
from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.defenses.repairs import RECOMMENDED, Repair, parse_repair
from engine.defenses.repairs.accuracy_budget import DEFAULT_BUDGET
from engine.defenses.repairs.repair import BudgetedRepair
from engine.evaluation import metrics
from engine.evaluation.metrics import CEILING, METRICS
from engine.experiments import recovery_ceiling
from engine.store import ModelCard, StoredModel
from engine.store.pruning_curves import stored_curve

PAPER = "Pruning, as in the paper"  # title of its row in a ranking
TABLE = "repairs"  # name of the table kept beside a model
COLUMNS = (
    *("method", *METRICS, "validation_accuracy", "channels", "seconds", "summary", "problem"),
)


def columns_for(card: ModelCard) -> list[str]:
    """Those of `COLUMNS` that can be measured on a model."""
    known = metrics.measured(card.scores["test"])
    return [name for name in COLUMNS if name not in METRICS or name in known]


def compare_stored(stored: StoredModel) -> pd.DataFrame:
    """Compare what has been tried on a model: nothing, the paper's pruning, each repair.

    Returns:
        One row each: name and title of the method (the title names settings that differ from the
        defaults), "kind" ("untouched", "paper" or "repair"), the three metrics on test images in
        percent, the ceiling of recovered accuracy and what it reaches of that, both in percent (NaN
        where not known), DER, channels removed, seconds, the clean images it needs, summary and
        problem. Without a known trigger clean accuracy is the only metric, and there is neither a
        ceiling nor DER.
    """
    before = stored.card.scores["test"]
    rows = [
        {"title": "As it is", "kind": "untouched", "needs": "", "channels": 0}
        | {name: before[name] for name in metrics.measured(before)},
        *_paper_rows(stored),
    ]
    for row in tried_rows(stored):
        method = method_of(row)
        if method is not None:
            about = {"name": method.name, "title": describe(method), "needs": method.needs}
            rows.append(row | about | {"kind": "repair"})
    columns = ["name", "title", "kind", "needs", *columns_for(stored.card)]
    table = pd.DataFrame(rows, columns=columns)
    if stored.card.knows_trigger:
        table = recovery_ceiling.add_columns(table, recovery_ceiling.find(stored))
        tried = table.to_dict("records")
        table["der"] = [metrics.defence_effectiveness(before, row) for row in tried]
        table.loc[table["attack_success"].isna(), "der"] = float("nan")  # the repair failed
    return table.fillna({"name": "", "summary": "", "problem": ""})


def budgeted(table: pd.DataFrame) -> list[BudgetedRepair | None]:
    """The repair of each row; None if its strength is not chosen by an accuracy limit."""
    found = map(method_of, table.to_dict("records"))
    return [method if isinstance(method, BudgetedRepair) else None for method in found]


def select_confidence(
    table: pd.DataFrame, confidence: float = DEFAULT_BUDGET.confidence
) -> pd.DataFrame:
    """The rows of that confidence, left out of their titles, and the rows without any.

    Args:
        table: see `compare_stored`.
        confidence: that clean accuracy drops no further than allowed, percent.
    """
    methods = budgeted(table)
    titles = [
        describe(method, {"confidence"}) if method else title
        for method, title in zip(methods, table["title"], strict=True)
    ]
    selected = [method is None or method.confidence == confidence for method in methods]
    return table.assign(title=titles)[selected]


def rank(table: pd.DataFrame) -> pd.DataFrame:
    """Order what was tried by recovered accuracy, and give the paper's pruning one row.

    Without a known trigger recovered accuracy cannot be measured: the order is by clean accuracy.

    The order reports test figures and chooses nothing. Of the paper's thresholds the last stands
    for all: a choice by what triggered images show would flatter it.

    Args:
        table: see `compare_stored`; failed repairs are left out.
    """
    measured = table[table["problem"] == ""]
    is_paper = measured["kind"] == "paper"
    kept = measured[~is_paper | ~measured["kind"].duplicated(keep="last")]
    titled = kept.assign(title=kept["title"].where(kept["kind"] != "paper", PAPER))
    return titled.sort_values(metrics.measured(table)[-1], ascending=False, kind="stable")


def find_to_advise(table: pd.DataFrame) -> dict[str, Any] | None:
    """The row of the recommended repair, else of the first one tried; None if there is none.

    Neither test images nor triggered ones have a say: they only report.

    Args:
        table: see `compare_stored`.
    """
    usual = select_confidence(table)
    tried = usual[(usual["kind"] == "repair") & (usual["problem"] == "")]
    first = tried.assign(other=tried["name"] != RECOMMENDED).sort_values("other", kind="stable")
    return None if first.empty else first.iloc[0].to_dict()


def tried_rows(stored: StoredModel) -> list[dict[Any, Any]]:
    """The stored rows of the repairs tried on a model, each with `COLUMNS`."""
    table = stored.table(TABLE)
    return [] if table is None else table.to_dict("records")


def method_of(row: Mapping[Any, Any]) -> Repair | None:
    """The repair that a stored row is about; None if that repair no longer exists."""
    try:
        return parse_repair(str(row["method"]))
    except UserError:
        return None


def describe(method: Repair, omitted: Collection[str] = ()) -> str:
    """The repair's title, with the settings that differ from the defaults.

    Args:
        method: the repair.
        omitted: names of settings to leave out.
    """
    defaults = method.defaults()
    changed = [
        f"{name.replace('_', ' ')} {format_value(value)}"
        for name, value in dataclasses.asdict(method).items()
        if value != defaults[name] and name not in omitted
    ]
    return f"{method.title} ({', '.join(changed)})" if changed else method.title


def summarize_models(models: Sequence[StoredModel]) -> pd.DataFrame:
    """Summarize `compare_stored` over several models.

    Returns:
        One row for each method tried on all of them, and for the models as they are: title,
        models (their number), and mean, lowest and highest value of each figure; NaN where that of
        a model is not known.

    Raises:
        UserError: no trigger is known for one of the models.
    """
    for stored in models:
        stored.card.known_backdoor()
    tables = pd.concat([compare_stored(stored) for stored in models], ignore_index=True)
    measured = tables[tables["problem"] == ""]
    rows = []
    for title, of_title in measured.groupby("title", sort=False):
        if len(of_title) < len(models):
            continue
        figures = spread(of_title, (*METRICS, *CEILING, "der", "channels", "seconds"))
        rows.append({"title": title, "models": len(of_title), **figures})
    return pd.DataFrame(rows)


def spread(table: pd.DataFrame, figures: Sequence[str]) -> dict[str, float]:
    """Mean, lowest and highest value of columns; NaN where a value is not known.

    Returns:
        For each of `figures` NAME, NAME_min and NAME_max.
    """
    found = {}
    for figure in figures:
        values = table[figure]
        found[figure] = values.mean(skipna=False)
        found[f"{figure}_min"] = values.min(skipna=False)
        found[f"{figure}_max"] = values.max(skipna=False)
    return found


def _paper_rows(stored: StoredModel) -> list[dict[str, Any]]:
    """The paper's pruning at its four thresholds, from the stored curve."""
    convolutions = stored.convolutions()
    curve = stored_curve(stored, convolutions[-1], DEFAULT_ORDER) if convolutions else None
    if curve is None:
        return []
    needs = parse_repair("pruning").needs
    return [
        {
            "title": f"Pruning, as in the paper: {row['threshold']:g} points",
            "kind": "paper",
            "needs": needs,
            "channels": row["step"],
            **{name: row[name] for name in (*metrics.measured(row), "validation_accuracy")},
        }
        for row in curve.at_thresholds(PAPER_THRESHOLDS).to_dict("records")
    ]
