"""Charts of what a scan for a backdoor has found."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from engine.reporting.metric_style import NEUTRAL, TRIGGERED

ROW, AXIS = 22, 55  # height of a row and of the axis below, pixels
NAMES_WIDTH = 140  # pixels


def pattern_sizes(sizes: pd.DataFrame, order: Sequence[str], flagged: int | None) -> alt.LayerChart:
    """The smallest pattern of one family for each class; a rule marks the median.

    Args:
        sizes: the rows of a family in the table "pattern-sizes".
        order: labels with names, as in `class_title`, from top to bottom.
        flagged: the class in the trigger's colour.
    """
    table = sizes.assign(
        title=[class_title(*pair) for pair in zip(sizes["label"], sizes["name"], strict=True)],
        spreads=sizes["standing_out"] / sizes["spread"].where(sizes["spread"] > 0),
        flagged=sizes["label"] == flagged,
    )
    axis = alt.Axis(labelLimit=NAMES_WIDTH, ticks=False, grid=False, labelOverlap=False)
    bars = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("size:Q", title=f"Size ({sizes['unit'].iloc[0]})"),
            y=alt.Y("title:N", sort=list(order), title=None, axis=axis),
            color=alt.condition("datum.flagged", alt.value(TRIGGERED), alt.value(NEUTRAL)),
            tooltip=[
                alt.Tooltip("title:N", title="Class"),
                alt.Tooltip("size:Q", title=f"Size ({sizes['unit'].iloc[0]})", format=".3g"),
                alt.Tooltip("spreads:Q", title="Stands out (standard deviations)", format=".1f"),
            ],
        )
    )
    rule = alt.Chart(table).mark_rule(strokeDash=[5, 4], color=NEUTRAL, size=2)
    layered: alt.LayerChart = bars + rule.encode(x="median(size):Q")
    return layered.properties(height=ROW * len(table) + AXIS)


def class_title(label: int, name: str) -> str:
    """A class on an axis: names alone may repeat."""
    return f"{label}: {name}"


def amplification(table: pd.DataFrame) -> alt.Chart:
    """How far the Lipschitz bound of each channel lies above its layer's mean.

    Args:
        table: rows with layer, channel and above (standard deviations).
    """
    return (
        alt.Chart(table)
        .mark_point(filled=True, size=45, opacity=0.7, color=NEUTRAL)
        .encode(
            x=alt.X(
                "layer:N",
                sort=list(dict.fromkeys(table["layer"])),
                title="Convolution",
                axis=alt.Axis(labelAngle=0),
            ),
            xOffset=alt.XOffset("channel:Q"),
            y=alt.Y("above:Q", title="Standard deviations above the mean"),
            tooltip=[
                alt.Tooltip("layer:N", title="Convolution"),
                alt.Tooltip("channel:O", title="Channel"),
                alt.Tooltip("above:Q", title="Above the mean", format=".2f"),
            ],
        )
        .properties(height=320)
    )
