"""The folder with the text, the tables and the figures of the reproduction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from engine import store
from engine.core import atomic_files, progress
from engine.core.progress import Progress
from engine.datasets import Dataset
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.reporting import paper_figures
from engine.reporting.metric_style import ACTIVATIONS
from engine.reporting.reproduction import findings, report_text, subjects, tables
from engine.reporting.reproduction.findings import Findings
from engine.reporting.reproduction.subjects import Subject


def reproduce(chosen: Sequence[Subject], dataset: Dataset, out: Path, command: str) -> Path:
    """Measure the chosen networks and write the report to the folder `out`. Reports progress.

    Args:
        chosen: at least one, all of `dataset`; missing ones are trained first.
        dataset: validation images are used for every choice, test images for the results.
        out: folder; replaced as a whole.
        command: the command that makes the report again; the report names it.

    Returns:
        The report, `out`/report.md.
    """
    found = []
    for subject in chosen:
        with progress.rewording(partial(_name_network, subject)):
            stored = subjects.find_or_train(subject, dataset)
            found.append(findings.measure(stored, dataset, subject.label))
    with atomic_files.new_folder(out, replace=True) as folder:
        write(found, folder, command)
    return out / report_text.FILE


def write(found: Sequence[Findings], folder: Path, command: str) -> None:
    """Write every table and figure, and the text, to an existing folder."""
    rows = tables.at_thresholds(found)
    for name, table in _tables(found, rows).items():
        store.write_table(folder / f"{name}.csv", table)
    for name, chart in charts(found, rows).items():
        chart.save(folder / f"{name}.svg")
    text = report_text.compose(found, rows, command)
    (folder / report_text.FILE).write_text(text, encoding="utf-8")


def charts(found: Sequence[Findings], rows: pd.DataFrame) -> dict[str, alt.TopLevelMixin]:
    """Figures 5 to 8, by file name without ending."""
    activity = found[0].activity
    order = activity.sort_values("clean_mean")["channel"].tolist()
    top = float(activity[list(ACTIVATIONS)].to_numpy().max())
    curves = pd.concat([network.curve.test for network in found])
    figures: dict[str, Any] = {
        "figure-5-clean-activations": paper_figures.activation_bars(
            activity, "clean_mean", order, top
        ),
        "figure-6-backdoor-activations": paper_figures.activation_bars(
            activity, "triggered_mean", order, top
        ),
        "figure-7-pruning": paper_figures.pruning_curve(curves),
        "figure-8-repaired": paper_figures.repaired_bars(rows[rows["order"] == DEFAULT_ORDER]),
    }
    return {name: chart.properties(width=640, height=320) for name, chart in figures.items()}


def _name_network(subject: Subject, event: Progress) -> Progress:
    return replace(event, message=f"{event.message} ({subject.label})")


def _tables(found: Sequence[Findings], rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    means = tables.mean_over_networks(rows, found[0].stored.card.dataset)
    paper_order = means[means["order"] == DEFAULT_ORDER]
    named = {
        "table-1": tables.table_1(found),
        "figure-8-thresholds": paper_order.drop(columns="order"),
        "orders": means.drop(columns="paper_fraction"),
        "orders-each-network": rows,
    }
    for network in found:
        suffix = network.label.replace(" ", "")
        named[f"figure-5-and-6-activations-{suffix}"] = network.activity
        named |= {
            f"figure-7-{order}-{suffix}": curve.test for order, curve in network.curves.items()
        }
    return named
