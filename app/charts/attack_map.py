"""A heat map of attacks against defences."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.defenses.repairs import REPAIRS
from engine.evaluation.metrics import CEILING
from engine.reporting.metric_style import SCORES, STYLES

CHROME = 210  # pixels for the legend and the slanted labels
ROW = 23  # pixels
PALE, LIGHT_TEXT, DARK_TEXT = "#f4f4f2", "#ffffff", "#1f2328"


def heat_map(table: pd.DataFrame, metric: str) -> alt.LayerChart:
    """One metric for each attack (rows) after each defence (columns), as colour and as number.

    Args:
        table: rows of `attack_tables.list_defences`.
        metric: one of `metrics.METRICS`.
    """
    short = table["defence"].str.replace("Pruning, as in the paper:", "Pruned,")
    table = table.assign(defence=short)
    attacks = alt.Y(
        "title:N",
        sort=list(dict.fromkeys(table["title"])),
        title="Attack",
        axis=alt.Axis(labelLimit=260, labelOverlap=False),
    )
    base = alt.Chart(table).encode(
        x=alt.X(
            "defence:N",
            sort=_in_order(short),
            title="Defence",
            axis=alt.Axis(labelAngle=-40, labelLimit=260, labelOverlap=False, orient="bottom"),
        ),
        y=attacks,
        tooltip=_tooltip(table),
    )
    # The names are repeated at the other end: on a phone the map is wider than the screen.
    names = base.mark_point(opacity=0).encode(
        y=attacks.copy().title(None).axis(orient="right", labelLimit=260, labelOverlap=False)
    )
    cells = _cells(base, metric)
    layered: alt.LayerChart = alt.layer(cells, names).resolve_axis(y="independent")
    return layered.properties(height=CHROME + ROW * table["title"].nunique())


def _in_order(defences: pd.Series) -> list[str]:
    """The paper's pruning first, then the repairs in their usual order."""
    repairs = [kind.title for kind in REPAIRS.values()]
    return sorted(
        dict.fromkeys(defences), key=lambda name: repairs.index(name) if name in repairs else -1
    )


def _tooltip(table: pd.DataFrame) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("title:N", title="Attack"),
        alt.Tooltip("defence:N", title="Defence"),
        *(
            alt.Tooltip(f"{name}:Q", title=style.heading, format=".2f")
            for name, style in SCORES.items()
        ),
        *(
            alt.Tooltip(f"{name}:Q", title=STYLES[name].heading, format=".1f")
            for name in CEILING
            if table[name].notna().any()
        ),
    ]


def _cells(base: alt.Chart, metric: str) -> alt.LayerChart:
    style = SCORES[metric]
    colours = base.mark_rect().encode(
        color=alt.Color(
            f"{metric}:Q",
            scale=alt.Scale(domain=[0, 100], range=[PALE, style.colour]),
            title=style.heading,
            legend=alt.Legend(orient="top", gradientLength=90, tickCount=2),  # fits a phone
        )
    )
    numbers = base.mark_text(fontSize=12).encode(
        text=alt.Text(f"{metric}:Q", format=".0f"),
        color=alt.condition(alt.datum[metric] > 60, alt.value(LIGHT_TEXT), alt.value(DARK_TEXT)),
    )
    layered: alt.LayerChart = colours + numbers
    return layered
