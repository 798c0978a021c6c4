"""The folder with every table and figure, and the text that joins them."""

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
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.reporting import paper_figures
from engine.reporting.reproduction import findings, subjects, tables, text
from engine.reporting.reproduction.findings import Findings
from engine.reporting.reproduction.subjects import Subject


def reproduce(chosen: Sequence[Subject], dataset: Dataset, out: Path, command: str) -> Path:
    """Compute the report of the chosen networks and write it to the folder `out`.

    Args:
        chosen: at least one, all of `dataset`; those that are missing are trained first.
        dataset: validation chooses, test reports.
        out: folder; replaced as a whole.
        command: the one that makes the report again, named in it.

    Returns:
        The report, `out`/report.md.
    """
    found = []
    for subject in chosen:
        with progress.rewording(partial(_name_network, subject)):
            stored = subjects.find_or_train(subject, dataset)
            found.append(findings.measure(stored, dataset, subject.label))
    rows = tables.at_thresholds(found)
    means = tables.over_networks(rows, dataset.name)
    with atomic_files.new_folder(out, replace=True) as aside:
        for name, table in _files(found, rows, means).items():
            store.write_table(aside / f"{name}.csv", table)
        for name, chart in _charts(found, rows).items():
            chart.save(aside / f"{name}.svg")
        words = _markdown(found, rows, means, command)
        (aside / "report.md").write_text(words, encoding="utf-8")
    return out / "report.md"


def _name_network(subject: Subject, event: Progress) -> Progress:
    return replace(event, message=f"{event.message} ({subject.label})")


def _files(
    found: Sequence[Findings], rows: pd.DataFrame, means: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    own = means["order"] == DEFAULT_ORDER
    kept = {
        "table-1": tables.table_1(found),
        "figure-8-thresholds": means[own].drop(columns="order"),
        "orders": means.drop(columns="paper_fraction"),
        "orders-each-network": rows,
    }
    for one in found:
        suffix = one.label.replace(" ", "")
        kept[f"figure-5-and-6-activations-{suffix}"] = one.activity
        kept |= {f"figure-7-{order}-{suffix}": curve.test for order, curve in one.curves.items()}
    return kept


def _charts(found: Sequence[Findings], rows: pd.DataFrame) -> dict[str, alt.TopLevelMixin]:
    activity = found[0].activity
    order = activity.sort_values("clean_mean")["channel"].tolist()
    top = float(activity[["clean_mean", "triggered_mean"]].to_numpy().max())
    curves = pd.concat([one.curve.test for one in found])
    charts: dict[str, Any] = {
        "figure-5-clean-activations": paper_figures.activation_bars(
            activity, "clean_mean", order, top
        ),
        "figure-6-backdoor-activations": paper_figures.activation_bars(
            activity, "triggered_mean", order, top
        ),
        "figure-7-pruning": paper_figures.pruning_curve(curves),
        "figure-8-repaired": paper_figures.repaired_bars(rows[rows["order"] == DEFAULT_ORDER]),
    }
    return {name: chart.properties(width=640, height=320) for name, chart in charts.items()}


def _markdown(
    found: Sequence[Findings], rows: pd.DataFrame, means: pd.DataFrame, command: str
) -> str:
    first = found[0]
    settings = tables.settings(found)
    commands = [*(line for one in found for line in one.stored.card.commands[:1]), command]
    own = means[means["order"] == DEFAULT_ORDER].drop(columns="order")
    notes = _notes(found)
    lines = [
        f"# The paper's experiment on {first.stored.card.dataset}",
        "All figures are on test images unless they say otherwise; attack success and recovered"
        " accuracy leave out the target class. Accuracies and shares are percentages, drops are"
        " percentage points.",
        notes["means"],
        _as_markdown(settings),
        text.alike(settings),
        "Made by:\n\n```\n" + "\n".join(commands) + "\n```",
        "## What holds, what does not",
        "\n".join(f"- {sentence}" for sentence in text.conclusions(found, rows)),
        "## Table 1: before pruning",
        _as_markdown(tables.table_1(found)),
        f"## Figures 5 and 6: mean activation of each channel of `{first.pooled}`",
        "On validation images, channels in the order of Figure 5 in both.",
        notes["channels"],
        "![Mean activation on clean images](figure-5-clean-activations.svg)",
        "![Mean activation on triggered images](figure-6-backdoor-activations.svg)",
        f"## Figure 7: channels of `{first.curve.layer}` pruned one by one, least active on clean"
        " images first",
        notes["bands"],
        "![Clean accuracy, attack success and recovered accuracy](figure-7-pruning.svg)",
        text.low_point(found),
        "## Figure 8: the repaired networks",
        "The step is chosen on clean validation images: the first at which their accuracy has"
        " dropped by the threshold.",
        notes["bars"],
        "![The three measures at each threshold](figure-8-repaired.svg)",
        _as_markdown(_readable(own)),
        "## Other orders, with the paper's two proposals (section 4)",
        "\n".join(f"- `{name}`: {order.title}." for name, order in ORDERS.items()),
        "The *oracles* look at triggered images, which a defender does not have.",
        _as_markdown(_readable(means.drop(columns="paper_fraction"))),
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _notes(found: Sequence[Findings]) -> dict[str, str]:
    """How several networks are shown; nothing to say of a single one."""
    notes = {
        "means": f"Means are over {len(found)} seeds; behind ± stands their standard deviation.",
        "channels": f"They are those of {found[0].label}: channels differ from seed to seed.",
        "bands": "Lines are the mean over the seeds, bands go from the lowest to the highest.",
        "bars": "Bars are the mean over the seeds, lines go from the lowest to the highest.",
    }
    return notes if len(found) > 1 else dict.fromkeys(notes, "")


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text: shares as percent, each mean with its standard deviation."""

    def cell(column: str, row: pd.Series) -> str:
        scale = 100 if column.endswith("fraction") else 1
        parts = [row[name] * scale for name in (column, column + tables.SPREAD) if name in row]
        return "" if pd.isna(parts[0]) else " ± ".join(f"{part:.2f}" for part in parts)

    heads = {"fraction": "channels pruned", "paper_fraction": "channels pruned (paper)"}
    shown = {}
    for column in table:
        if column in ("order", "threshold"):
            shown[column] = table[column].tolist()
        elif not column.endswith(tables.SPREAD):
            cells = [cell(column, row) for _, row in table.iterrows()]
            shown[heads.get(column, column)] = cells
    return pd.DataFrame(shown)


def _as_markdown(table: pd.DataFrame) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return "" if pd.isna(value) else f"{value:.5g}"
        return "" if value is None else str(value)

    rows = [[cell(value) for value in row] for row in table.itertuples(index=False)]
    head = [str(column).replace("_", " ") for column in table.columns]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
