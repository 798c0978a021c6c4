"""The metrics of all networks of a report: mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.reporting.metric_style import SCORES
from engine.reporting.reproduction import published
from engine.reporting.reproduction.findings import Findings

SPREAD = "_sd"  # ends the name of a column of standard deviations


def settings(found: Sequence[Findings]) -> pd.DataFrame:
    """How each network was made: one row per setting, one column per network."""
    columns = {}
    for findings in found:
        card = findings.stored.card
        columns[findings.label] = {
            "model": card.name,
            "trigger": card.trigger,
            "target class": f"{card.target} ({card.known_backdoor().target_name})",
            "share of images poisoned": card.rate,
            "images poisoned": card.poisoned,
            **{name: value for name, value in card.training.items() if name != "id"},
        }
    # Built cell by cell: a frame made from the columns would turn whole numbers into floats.
    rows = list(dict.fromkeys(setting for column in columns.values() for setting in column))
    cells = {label: [column.get(row) for row in rows] for label, column in columns.items()}
    names = [row.replace("_", " ") for row in rows]
    return pd.DataFrame({"setting": names} | cells, dtype=object)


def table_1(found: Sequence[Findings]) -> pd.DataFrame:
    """Table 1, in percent.

    Returns:
        Columns measure (the metric's label), one for each network, mean and standard deviation
        (n - 1) if there are several networks, and paper.
    """
    each = pd.DataFrame({findings.label: findings.scores for findings in found})
    table = each.copy()
    if len(found) > 1:
        table["mean"] = each.mean(axis=1)
        table["standard deviation"] = each.std(axis=1, ddof=1)
    values = published.TABLE_1.get(found[0].stored.card.dataset, {})
    table["paper"] = [values.get(metric, float("nan")) for metric in table.index]
    table.insert(0, "measure", [SCORES[metric].label for metric in table.index])
    return table.reset_index(drop=True)


def at_thresholds(found: Sequence[Findings]) -> pd.DataFrame:
    """Every network at every threshold, pruned in every order.

    Returns:
        Columns network, order, and those of `Curve.at_thresholds`.
    """
    parts = []
    for findings in found:
        for order, curve in findings.curves.items():
            part = curve.at_thresholds(PAPER_THRESHOLDS)
            part.insert(0, "network", findings.label)
            part.insert(1, "order", order)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def mean_over_networks(rows: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Means over the networks.

    Args:
        rows: see `at_thresholds`.
        dataset: its name; selects the paper's values.

    Returns:
        One row per order and threshold. With several networks each column of means is followed
        by one of standard deviations (n - 1), called NAME_sd. paper_fraction, the share of
        channels the paper prunes, is NaN except in the paper's own order.
    """
    groups = rows.drop(columns=["network", "step"]).groupby(["order", "threshold"], sort=False)
    table = groups.mean()
    if rows["network"].nunique() > 1:
        spread = groups.std(ddof=1)
        for index, column in enumerate(list(table)):
            table.insert(2 * index + 1, column + SPREAD, spread[column])
    table = table.reset_index()
    values = published.CHANNELS_PRUNED.get(dataset, {})
    shares = [
        values.get(threshold, float("nan")) / 100 if order == DEFAULT_ORDER else float("nan")
        for order, threshold in zip(table["order"], table["threshold"], strict=True)
    ]
    table.insert(2, "paper_fraction", shares)
    return table
