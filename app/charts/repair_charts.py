"""Charts of repairs."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from engine.evaluation.metrics import CEILING
from engine.reporting.metric_style import NEUTRAL, SCORES, STYLES, MetricStyle
from engine.reporting.paper_figures import colour_by_metric, known_in, to_long

ROW = 26  # pixels
NAMES_WIDTH = 200  # pixels
ROW_STEP = 34  # pixels from one repair to the next


def rank_repairs(
    table: pd.DataFrame,
    chosen: str,
    styles: Mapping[str, MetricStyle] = SCORES,
) -> alt.LayerChart | alt.FacetChart:
    """The three metrics of every repair as bars, one row each, to click on.

    Args:
        table: see `repair_tables.rank`, in the order to draw. The ceiling of recovered accuracy is
            marked in every row where it is known.
        chosen: title of the row in focus; the others are paler.
        styles: of the metrics; see `metric_style.scores_of`.

    Returns:
        A chart whose selection `clicked` holds the title clicked on.
    """
    order = list(table["title"])
    clicked = alt.selection_point("clicked", fields=["title"], on="click", clear=False)
    names = _names("title", order, NAMES_WIDTH)
    long, shown = to_long(table, ["title"], styles), known_in(table, styles)
    labels = [style.label for style in shown.values()]
    bars = alt.Chart(long).encode(
        x=alt.X("value:Q", scale=alt.Scale(domain=[0, 100]), title="Share of test images (%)"),
        y=names,
        yOffset=alt.YOffset("metric:N", sort=labels, scale=alt.Scale(paddingInner=0.15)),
        color=colour_by_metric(shown),
        opacity=alt.condition(alt.datum.title == chosen, alt.value(1), alt.value(0.55)),
        tooltip=[
            alt.Tooltip("title:N", title="Repair"),
            alt.Tooltip("metric:N", title="Metric"),
            alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
        ],
    )
    best = table.reindex(columns=["title", *CEILING]).dropna()
    ticks = (
        alt.Chart(best)
        .mark_tick(color=NEUTRAL, thickness=2, size=ROW * 0.8)
        .encode(
            x="ceiling:Q",
            y=names,
            tooltip=[
                alt.Tooltip(f"{name}:Q", title=STYLES[name].heading, format=".1f")
                for name in CEILING
            ],
        )
    )
    # The full width of a row reacts to the pointer, also where its bars are short.
    rows = alt.Chart(table[["title"]]).mark_bar(opacity=0, cursor="pointer", height=ROW)
    area = rows.encode(y=names, x=alt.datum(0), x2=alt.datum(100)).add_params(clicked)
    layers = [bars.mark_bar(cursor="pointer"), *([ticks] if len(best) else []), area]
    return alt.layer(*layers).properties(height=ROW_STEP * len(table))


def _names(column: str, order: list[str], limit: int, grid: bool = False) -> alt.Y:
    """A vertical axis of names, all of them shown, at most `limit` pixels wide."""
    axis = alt.Axis(labelLimit=limit, ticks=False, grid=grid, labelOverlap=False)
    return alt.Y(f"{column}:N", sort=order, title=None, axis=axis)
