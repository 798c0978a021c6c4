"""Charts that are read from the back of a room: few marks, large type."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from engine.reporting.metric_style import CLEAN, NEUTRAL, SCORES, TRIGGERED

_LABEL, _TITLE = 17, 18  # type on axes, pixels


def spectrum(values: np.ndarray, bands: Sequence[tuple[int, int]]) -> alt.LayerChart:
    """How much each wave changes, with the trigger's bands framed.

    Args:
        values: [height, width], differences of the coefficients' magnitudes.
        bands: (row, column) of those to frame; bands outside are ignored.
    """
    height, width = values.shape
    axis = alt.Axis(
        values=[0, height // 2 - 1, height - 1],
        labelAngle=0,
        labelFontSize=_LABEL,
        titleFontSize=_TITLE,
    )
    x = alt.X("column:O", title="Horizontal frequency (band)", axis=axis)
    y = alt.Y("row:O", title="Vertical frequency (band)", axis=axis)
    inside = [band for band in bands if band[0] < height and band[1] < width]
    frames = (
        alt.Chart(pd.DataFrame(inside, columns=["row", "column"]))
        .mark_rect(filled=False, stroke=TRIGGERED, strokeWidth=4)
        .encode(x=x, y=y)
    )
    layered: alt.LayerChart = _changes(values).encode(x=x, y=y) + frames
    return layered


def channels(table: pd.DataFrame, marked: Sequence[int]) -> alt.LayerChart:
    """Mean activation of each channel: clean as bars, triggered as points.

    Args:
        table: rows with place (on the x axis), channel, clean_mean and triggered_mean.
        marked: channels to draw in full colour.
    """
    rows = table.assign(marked=table["channel"].isin(list(marked)))
    x = alt.X(
        "place:O",
        title="Channels, weakest on clean images first",
        axis=alt.Axis(labels=False, ticks=False, titleFontSize=_TITLE),
    )
    title = "Mean activation"
    tooltip = [
        alt.Tooltip("channel:Q", title="Channel"),
        alt.Tooltip("clean_mean:Q", title="Clean images", format=".2f"),
        alt.Tooltip("triggered_mean:Q", title="Triggered images", format=".2f"),
    ]
    base = alt.Chart(rows).encode(x=x, tooltip=tooltip)
    strong = alt.condition("datum.marked", alt.value(1), alt.value(0.4))
    bars = base.mark_bar(color=CLEAN).encode(
        y=alt.Y(
            "clean_mean:Q", title=title, axis=alt.Axis(labelFontSize=_LABEL, titleFontSize=_TITLE)
        ),
        opacity=strong,
    )
    rise = base.mark_rule(strokeWidth=2).encode(
        y="clean_mean:Q",
        y2="triggered_mean:Q",
        color=alt.condition("datum.marked", alt.value(TRIGGERED), alt.value(NEUTRAL)),
        opacity=strong,
    )
    points = base.mark_point(filled=True, size=90, color=TRIGGERED).encode(
        y="triggered_mean:Q", opacity=strong
    )
    layered: alt.LayerChart = bars + rise + points
    return layered


def pruning(table: pd.DataFrame) -> alt.LayerChart:
    """The three metrics against the channels pruned, with a rule: see `pruning_charts.move_rule`.

    Args:
        table: rows of a curve with step, fraction (0 to 1) and the metrics in percent.
    """
    x = alt.X(
        "fraction:Q",
        title="Channels pruned (%)",
        axis=alt.Axis(format="%", tickCount=5, labelFontSize=_LABEL, titleFontSize=_TITLE),
    )
    rule = (
        alt.Chart(table.assign(cut=0))
        .transform_filter("datum.step == datum.cut")
        .mark_rule(size=4, color=NEUTRAL)
        .encode(x=x)
    )
    layered: alt.LayerChart = _metric_lines(table).encode(x=x) + rule
    return layered


def _metric_lines(table: pd.DataFrame) -> alt.Chart:
    long = table.melt(["step", "fraction"], list(SCORES), "metric", "percent")
    long["label"] = long["metric"].map({name: style.label for name, style in SCORES.items()})
    scale = alt.Scale(
        domain=[style.label for style in SCORES.values()],
        range=[style.colour for style in SCORES.values()],
    )
    axis = alt.Axis(tickCount=5, labelFontSize=_LABEL, titleFontSize=_TITLE)
    return (
        alt.Chart(long)
        .mark_line(strokeWidth=4)
        .encode(
            y=alt.Y(
                "percent:Q", title="Test images (%)", scale=alt.Scale(domain=[0, 100]), axis=axis
            ),
            # No legend: the figures above have the same colours.
            color=alt.Color("label:N", scale=scale, legend=None),
            tooltip=[
                alt.Tooltip("label:N", title="Metric"),
                alt.Tooltip("step:Q", title="Channels pruned"),
                alt.Tooltip("percent:Q", title="Test images (%)", format=".1f"),
            ],
        )
    )


def _changes(values: np.ndarray) -> alt.Chart:
    """One square for each wave."""
    rows, columns = (axis.ravel() for axis in np.indices(values.shape))
    table = pd.DataFrame({"row": rows, "column": columns, "change": values.ravel()})
    scale = alt.Scale(scheme="viridis", type="symlog")
    return (
        alt.Chart(table)
        .mark_rect()
        .encode(
            color=alt.Color("change:Q", scale=scale, legend=None),
            tooltip=[
                alt.Tooltip("row:O", title="Row"),
                alt.Tooltip("column:O", title="Column"),
                alt.Tooltip("change:Q", title="Change of magnitude", format=".1f"),
            ],
        )
    )
