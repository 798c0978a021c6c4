"""Charts of channel activations.

Where a click selects something, the rows hold what is chosen at present, so that the chart need
not be drawn anew (see `chart_view.with_rows`). That value is part of the selection: without it, a
click on what was clicked before would change nothing and go unnoticed.
"""

from __future__ import annotations

from functools import reduce
from operator import add

import altair as alt
import pandas as pd

from engine.reporting.metric_style import ACTIVATIONS, NEUTRAL, TRIGGERED
from engine.reporting.paper_figures import activation_tooltip, known_in

HEIGHT = 300
PRUNED = "Pruned"
MANY_LAYERS = 30  # more have no room for all their names


def channel_ranges(table: pd.DataFrame) -> alt.LayerChart:
    """Clean and triggered mean of every channel, joined by a line; pruned channels are shaded.

    Where no trigger is known, there is the clean mean alone.

    Args:
        table: a row a channel with place (from left to right), channel, clean_mean,
            triggered_mean and difference (where a trigger is known), chosen (the channel chosen
            at present, in every row), rank (in the pruning order) and pruned, both 0 without a
            pruning curve, and images (how many were measured; empty if that is not known).

    Returns:
        A chart whose selection `clicked` holds the channel clicked on.
    """
    x = alt.X(
        "place:O",
        axis=alt.Axis(labels=False, ticks=False),
        title=f"Channel ({len(table)} in total)",
    )
    base = alt.Chart(table).encode(x=x)
    colour = _shared_colour(table)
    shade = (
        _named(base, PRUNED)
        .mark_rect()
        .encode(
            color=colour,
            opacity=alt.condition("datum.pruned", alt.value(0.3), alt.value(0)),
        )
    )
    joined = base.mark_rule(color=NEUTRAL).encode(y="clean_mean:Q", y2="triggered_mean:Q")
    lines = [joined] if "triggered_mean" in table else []
    points = [
        _named(base, style.label)
        .mark_point(filled=True, size=30, opacity=1)
        .encode(y=alt.Y(f"{mean}:Q", title="Mean activation (no unit)"), color=colour)
        for mean, style in ACTIVATIONS.items()
        if mean in table
    ]
    pointer = _pointer_area(base, "datum.channel == datum.chosen", _channel_tooltip(table))
    pointer = pointer.add_params(_clicked("channel"))
    layered: alt.LayerChart = reduce(add, [shade, *lines, *points, pointer])
    return layered.properties(height=HEIGHT)


def signal_path(table: pd.DataFrame) -> alt.LayerChart:
    """How far the signal of a triggered image departs from the clean one, layer by layer.

    Each line leads from a layer to one that takes its output: where branches join, several end.

    Args:
        table: a row for each layer and each layer that it takes, in the order of the network, with
            layer, distance, source and its source_distance (neither for what takes none), and
            chosen (the layer chosen at present, in every row).

    Returns:
        A chart whose selection `clicked` holds the layer clicked on.
    """
    base = alt.Chart(table).encode(x=_layer_axis(table))
    y = alt.Y("distance:Q", title="Cosine distance (0 to 2)")
    up_to_one = base.mark_point(opacity=0, size=0).encode(y=alt.datum(1))  # next to nothing is low
    lines = (
        base.transform_filter("datum.source != null")
        .mark_rule(color=NEUTRAL, strokeWidth=2)
        .encode(y=y, x2="source:N", y2="source_distance:Q")
    )
    chosen = "datum.layer == datum.chosen"
    points = base.mark_point(filled=True, opacity=1).encode(
        y=y,
        color=alt.condition(chosen, alt.value(TRIGGERED), alt.value(NEUTRAL)),
        size=alt.condition(chosen, alt.value(160), alt.value(50)),
    )
    tooltip = [
        alt.Tooltip("layer:N", title="Layer"),
        alt.Tooltip("distance:Q", title="Cosine distance", format=".4f"),
    ]
    pointer = _pointer_area(base, chosen, tooltip).add_params(_clicked("layer"))
    layered: alt.LayerChart = up_to_one + lines + points + pointer
    return layered.properties(height=HEIGHT)


def change_by_layer(table: pd.DataFrame, layer: str) -> alt.Chart:
    """How much the trigger changes each layer.

    Args:
        table: see `activations.change_by_layer`.
        layer: the one to highlight.
    """
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=_layer_axis(table),
            y=alt.Y("moved:Q", title="Change of the means (%)"),
            color=alt.condition(alt.datum.layer == layer, alt.value(TRIGGERED), alt.value(NEUTRAL)),
            tooltip=[
                alt.Tooltip("layer:N", title="Layer"),
                alt.Tooltip("moved:Q", title="Change (%)", format=".1f"),
            ],
        )
        .properties(height=HEIGHT)
    )


def _layer_axis(table: pd.DataFrame) -> alt.X:
    """The layers in the order of the network, each with its name as long as there is room."""
    layers = list(dict.fromkeys(table["layer"]))
    axis = alt.Axis(labelAngle=-45, labelOverlap="greedy" if len(layers) > MANY_LAYERS else False)
    return alt.X("layer:N", sort=layers, title=None, axis=axis)


def _named(base: alt.Chart, part: str) -> alt.Chart:
    """One part of `channel_ranges`, which the legend names; all draw the same rows."""
    return base.transform_calculate(part=f"'{part}'")


def _shared_colour(table: pd.DataFrame) -> alt.Color:
    known = known_in(table, ACTIVATIONS)
    colours = {style.label: style.colour for style in known.values()}
    if table["rank"].any():
        colours[PRUNED] = NEUTRAL
    return alt.Color(
        "part:N",
        title=None,
        scale=alt.Scale(domain=list(colours), range=list(colours.values())),
        legend=alt.Legend(
            orient="top", columns=3, symbolType="square", symbolOpacity=1, columnPadding=8
        ),
    )


def _channel_tooltip(table: pd.DataFrame) -> list[alt.Tooltip]:
    tooltip = activation_tooltip(table)
    if "difference" in table:
        tooltip.append(alt.Tooltip("difference:Q", title="Difference", format="+.4f"))
    if table["images"].any():
        tooltip.append(alt.Tooltip("images:N", title="Images (n)"))
    if table["rank"].any():
        tooltip.append(alt.Tooltip("rank:Q", title=f"Pruning rank (of {len(table)})"))
    return tooltip


def _pointer_area(base: alt.Chart, chosen: str, tooltip: list[alt.Tooltip]) -> alt.Chart:
    """The full height of the chart reacts to the pointer; what is chosen has a frame."""
    return base.mark_rect(fillOpacity=0, stroke=NEUTRAL, cursor="pointer").encode(
        strokeWidth=alt.condition(chosen, alt.value(2), alt.value(0)), tooltip=tooltip
    )


def _clicked(field: str) -> alt.Parameter:
    return alt.selection_point("clicked", fields=[field, "chosen"], on="click", clear=False)
