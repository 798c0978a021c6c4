"""The measures over all networks of a report: mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.evaluation.metrics import METRICS
from engine.reporting.reproduction import paper
from engine.reporting.reproduction.findings import Findings

NAMES = dict(zip(METRICS, ("Clean accuracy", "Attack success", "Recovered accuracy"), strict=True))
SPREAD = "_sd"


def settings(found: Sequence[Findings]) -> pd.DataFrame:
    """How each network came about: one row a setting, one column a network."""
    columns = {}
    for findings in found:
        card = findings.stored.card
        columns[findings.label] = {
            "model": card.name,
            "trigger": card.trigger,
            "target class": f"{card.target} ({card.target_name})",
            "share of images poisoned": card.rate,
            "images poisoned": card.poisoned,
            **card.training,
        }
    # Not a frame of mixed columns: that would turn whole numbers into floats.
    rows = list(dict.fromkeys(setting for column in columns.values() for setting in column))
    cells = {label: [column.get(row) for row in rows] for label, column in columns.items()}
    names = [row.replace("_", " ") for row in rows]
    return pd.DataFrame({"setting": names} | cells, dtype=object)


def table_1(found: Sequence[Findings]) -> pd.DataFrame:
    """Table 1: measure, a column for each network, then mean and standard deviation (n - 1) if
    there are several, and the paper's value; percent."""
    each = pd.DataFrame({findings.label: findings.scores for findings in found})
    table = each.copy()
    if len(found) > 1:
        table["mean"] = each.mean(axis=1)
        table["standard deviation"] = each.std(axis=1, ddof=1)
    published = paper.TABLE_1.get(found[0].stored.card.dataset, {})
    table["paper"] = [published.get(figure, float("nan")) for figure in table.index]
    table.insert(0, "measure", [NAMES[figure] for figure in table.index])
    return table.reset_index(drop=True)


def at_thresholds(found: Sequence[Findings]) -> pd.DataFrame:
    """What each network does at each threshold, pruned in each order.

    Returns:
        Columns network and order, and those of `Curve.at_thresholds`.
    """
    parts = []
    for findings in found:
        for order, curve in findings.curves.items():
            part = curve.at_thresholds(PAPER_THRESHOLDS)
            part.insert(0, "network", findings.label)
            part.insert(1, "order", order)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def over_networks(rows: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """`at_thresholds` as means over the networks.

    Args:
        rows: see `at_thresholds`.
        dataset: whose paper values are told.

    Returns:
        One row an order and threshold. With several networks each column of means is followed
        by that of standard deviations (n - 1), called NAME_sd. paper_fraction belongs to the
        paper's own order and is NaN elsewhere.
    """
    groups = rows.drop(columns=["network", "step"]).groupby(["order", "threshold"], sort=False)
    table = groups.mean()
    if rows["network"].nunique() > 1:
        spread = groups.std(ddof=1)
        for place, column in enumerate(list(table)):
            table.insert(2 * place + 1, column + SPREAD, spread[column])
    table = table.reset_index()
    published = paper.PRUNED.get(dataset, {})
    shares = [
        published.get(threshold, float("nan")) / 100 if order == DEFAULT_ORDER else float("nan")
        for order, threshold in zip(table["order"], table["threshold"], strict=True)
    ]
    table.insert(2, "paper_fraction", shares)
    return table
