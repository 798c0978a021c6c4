"""Charts of several models."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.reporting.paper_figures import LABELS, colour_by_metric, known_in, percent_axis, to_long

HEIGHT = 300  # pixels
# Titles such as "FTrojan on drawn signs, repaired: Fine-tuning (my-model)" take several lines.
_LINES = "split(replace(replace(datum.label, ', ', ',|'), ' (', '|('), '|')"


def models_compared(table: pd.DataFrame) -> alt.Chart:
    """The three metrics of several models, in the order of the table.

    Args:
        table: rows with model (its title) and the metrics in percent, as far as they are known.
    """
    shown = known_in(table)
    return (
        alt.Chart(to_long(table, ["model"]).dropna())
        .mark_bar()
        .encode(
            x=alt.X(
                "model:N",
                title=None,
                sort=list(table["model"]),
                axis=alt.Axis(labelAngle=0, labelLimit=220, labelExpr=_LINES),
            ),
            xOffset=alt.XOffset("metric:N", sort=LABELS),
            y=percent_axis("value:Q", "Test images (%)"),
            color=colour_by_metric(shown),
            tooltip=[
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("metric:N", title="Metric"),
                alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
            ],
        )
        .properties(height=HEIGHT)
    )
