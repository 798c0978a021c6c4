"""The text of the reproduction report, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.reporting.reproduction import conclusions, tables
from engine.reporting.reproduction.findings import Findings

FILE = "report.md"


def compose(found: Sequence[Findings], rows: pd.DataFrame, command: str) -> str:
    """The report on all networks.

    Args:
        found: at least one network.
        rows: see `tables.at_thresholds`.
        command: the command that makes the report again.
    """
    means = tables.mean_over_networks(rows, found[0].stored.card.dataset)
    parts = [
        *_origin(found, command),
        "## What is reproduced and what is not",
        "\n".join(f"- {sentence}" for sentence in conclusions.all_of(found, rows)),
        "## Table 1: before pruning",
        _as_markdown(tables.table_1(found)),
        *_figures_5_and_6(found),
        *_figure_7(found),
        *_figure_8(found, means),
        *_other_orders(means),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _origin(found: Sequence[Findings], command: str) -> list[str]:
    settings = tables.settings(found)
    commands = [*(line for one in found for line in one.stored.card.commands[:1]), command]
    return [
        f"# The paper's experiment on {found[0].stored.card.dataset}",
        "All results are on test images unless stated otherwise. Attack success and recovered"
        " accuracy leave out images of the target class. Accuracies and shares are in percent,"
        " drops in percentage points.",
        _if_several(found, f"Values are means over {len(found)} seeds ± their standard deviation."),
        _as_markdown(settings),
        conclusions.differing_settings(settings),
        "Made with:\n\n```\n" + "\n".join(commands) + "\n```",
    ]


def _figures_5_and_6(found: Sequence[Findings]) -> list[str]:
    first = found[0]
    return [
        f"## Figures 5 and 6: mean activation of each channel of `{first.pooled}`",
        "Measured on validation images. Both figures show the channels in the order of Figure 5.",
        _if_several(found, f"Both show {first.label}: channels differ from seed to seed."),
        "![Mean activation on clean images](figure-5-clean-activations.svg)",
        "![Mean activation on triggered images](figure-6-backdoor-activations.svg)",
    ]


def _figure_7(found: Sequence[Findings]) -> list[str]:
    return [
        f"## Figure 7: channels of `{found[0].curve.layer}` pruned one by one, least active on"
        " clean images first",
        _if_several(
            found, "Lines are means over the seeds; bands span the lowest to the highest value."
        ),
        "![Clean accuracy, attack success and recovered accuracy](figure-7-pruning.svg)",
        conclusions.remaining_attack(found),
    ]


def _figure_8(found: Sequence[Findings], means: pd.DataFrame) -> list[str]:
    paper_order = means[means["order"] == DEFAULT_ORDER].drop(columns="order")
    return [
        "## Figure 8: the repaired networks",
        "The step is chosen on clean validation images: the first step at which their accuracy has"
        " dropped by the threshold.",
        _if_several(
            found, "Bars are means over the seeds; lines span the lowest to the highest value."
        ),
        "![The three metrics at each threshold](figure-8-repaired.svg)",
        _as_markdown(_readable(paper_order)),
    ]


def _other_orders(means: pd.DataFrame) -> list[str]:
    return [
        "## Other orders, with the paper's two proposals (section 4)",
        "\n".join(f"- `{name}`: {order.title}." for name, order in ORDERS.items()),
        "The *oracles* use triggered images, which a defender does not have.",
        _as_markdown(_readable(means.drop(columns="paper_fraction"))),
    ]


def _if_several(found: Sequence[Findings], note: str) -> str:
    """`note`, if the report is on several networks."""
    return note if len(found) > 1 else ""


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text: shares in percent, each mean with its standard deviation."""

    def cell(column: str, row: pd.Series) -> str:
        scale = 100 if column.endswith("fraction") else 1
        parts = [row[name] * scale for name in (column, column + tables.SPREAD) if name in row]
        return "" if pd.isna(parts[0]) else " ± ".join(f"{part:.2f}" for part in parts)

    headings = {"fraction": "channels pruned", "paper_fraction": "channels pruned (paper)"}
    shown = {}
    for column in table:
        if column in ("order", "threshold"):
            shown[column] = table[column].tolist()
        elif not column.endswith(tables.SPREAD):
            cells = [cell(column, row) for _, row in table.iterrows()]
            shown[headings.get(column, column)] = cells
    return pd.DataFrame(shown)


def _as_markdown(table: pd.DataFrame) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return "" if pd.isna(value) else f"{value:.5g}"
        return "" if value is None else str(value)

    rows = [[cell(value) for value in row] for row in table.itertuples(index=False)]
    headings = [str(column).replace("_", " ") for column in table.columns]
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
