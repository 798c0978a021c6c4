"""Attacks against defences as a map: a pure function from data to `alt.Chart`."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.defenses.repairs import REPAIRS
from engine.reporting.paper_figures import MEASURES

ROOM = 230  # pixels that legend and slanted labels take


def map_of(table: pd.DataFrame, figure: str) -> alt.LayerChart:
    """One figure for each attack (rows) after each defence (columns), as colour and as number.

    Args:
        table: rows of `attack_tables.defences`.
        figure: one of `metrics.METRICS`; its colour is the one it has everywhere.
    """
    label, colour = MEASURES[figure]
    short = table["defence"].str.replace("Pruning, as in the paper:", "Pruned,")
    table = table.assign(defence=short)
    repairs = [kind.title for kind in REPAIRS.values()]
    defences = sorted(  # the paper's pruning first
        dict.fromkeys(short), key=lambda told: repairs.index(told) if told in repairs else -1
    )
    attacks = alt.Y(
        "title:N",
        sort=list(dict.fromkeys(table["title"])),
        title="Attack",
        axis=alt.Axis(labelLimit=260),
    )
    base = alt.Chart(table).encode(
        x=alt.X(
            "defence:N",
            sort=defences,
            title="Defence",
            axis=alt.Axis(labelAngle=-40, labelLimit=260, labelOverlap=False, orient="bottom"),
        ),
        y=attacks,
        tooltip=[
            alt.Tooltip("title:N", title="Attack"),
            alt.Tooltip("defence:N", title="Defence"),
            *(
                alt.Tooltip(f"{name}:Q", title=f"{told} (%)", format=".2f")
                for name, (told, _) in MEASURES.items()
            ),
        ],
    )
    value = alt.datum[figure]
    cells = base.mark_rect().encode(
        color=alt.Color(
            f"{figure}:Q",
            scale=alt.Scale(domain=[0, 100], range=["#f4f4f2", colour]),
            title=f"{label} (%)",
            legend=alt.Legend(orient="top", gradientLength=90, tickCount=2),  # fits a phone
        )
    )
    numbers = base.mark_text(fontSize=12).encode(
        text=alt.Text(f"{figure}:Q", format=".0f"),
        color=alt.condition(value > 60, alt.value("#ffffff"), alt.value("#1f2328")),
    )
    # The names stand at the other end too: on a phone the map is wider than the screen.
    names = base.mark_point(opacity=0).encode(
        y=attacks.copy().title(None).axis(orient="right", labelLimit=260)
    )
    layered: alt.LayerChart = alt.layer(cells + numbers, names).resolve_axis(y="independent")
    return layered.properties(height=ROOM + 28 * table["title"].nunique())
