"""Charts that compare two networks."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from engine.reporting.paper_figures import colour_by_metric, known_in, percent_axis, to_long

SIDE = 340  # pixels


def confusion_matrix(cells: pd.DataFrame, classes: int) -> alt.Chart:
    """True class against predicted class, to click on.

    Args:
        cells: rows with label, predicted, images, name and predicted_name.
        classes: how many there are.

    Returns:
        A chart whose selection `clicked` holds the label and the predicted class clicked on.
    """
    clicked = alt.selection_point("clicked", fields=["label", "predicted"], on="click", clear=False)
    numbers = list(range(classes))
    axis = alt.Axis(values=numbers[:: max(1, classes // 10)], labelAngle=0)
    return (
        alt.Chart(cells)
        .mark_rect(cursor="pointer")
        .encode(
            x=alt.X(
                "predicted:O",
                title="Predicted class (number)",
                scale=alt.Scale(domain=numbers),
                axis=axis,
            ),
            y=alt.Y(
                "label:O", title="True class (number)", scale=alt.Scale(domain=numbers), axis=axis
            ),
            color=alt.Color(
                "images:Q",
                title="Images",
                scale=alt.Scale(type="log", scheme="viridis"),
                legend=alt.Legend(orient="top", gradientLength=160, direction="horizontal"),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="True class"),
                alt.Tooltip("predicted_name:N", title="Predicted class"),
                alt.Tooltip("images:Q", title="Images"),
            ],
        )
        .add_params(clicked)
        .properties(height=SIDE)
    )


def curves(tables: Mapping[str, pd.DataFrame]) -> alt.Chart:
    """The three metrics against the share of channels pruned, a dash for each network.

    Args:
        tables: title of a network -> rows of its curve, with fraction and the metrics in percent,
            as far as they are known.
    """
    named = [table.assign(network=title) for title, table in tables.items()]
    table = pd.concat(named, ignore_index=True)
    shown = known_in(table)
    long = to_long(table, ["network", "fraction"]).dropna()
    return (
        alt.Chart(long)
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("fraction:Q", axis=alt.Axis(format="%"), title="Channels pruned (%)"),
            y=percent_axis("value:Q"),
            color=colour_by_metric(shown),
            strokeDash=alt.StrokeDash(
                "network:N",
                sort=list(tables),
                title=None,
                legend=alt.Legend(orient="bottom", columns=1, labelLimit=600),
            ),
            tooltip=[
                alt.Tooltip("network:N", title="Network"),
                alt.Tooltip("metric:N", title="Metric"),
                alt.Tooltip("fraction:Q", format=".1%", title="Channels pruned"),
                alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
            ],
        )
        .properties(height=360)
    )
