"""Charts of channel activations: pure functions from data to Altair charts."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.reporting.paper_figures import (
    TRIGGERED,
    activation_bars,
)


def channel_bars(
    table: pd.DataFrame, measure: str, order: list[int], top: float, falls: pd.Series | None
) -> alt.LayerChart | alt.FacetChart:
    """Figures 5 and 6 to click on, with the order of pruning drawn over the bars.

    Args:
        table, measure, order, top: as for `paper_figures.activation_bars`.
        falls: channel -> as which one it is pruned, from 1; None draws no order.

    Returns:
        A chart whose selection `clicked` holds the channel clicked on.
    """
    clicked = alt.selection_point("clicked", fields=["channel"], on="click", clear=False)
    rows = pd.DataFrame({"place": range(len(order)), "channel": order})
    rows = rows.merge(table[["channel", "clean_mean", "triggered_mean"]], on="channel")
    told = [
        alt.Tooltip("channel:O", title="Channel"),
        alt.Tooltip("clean_mean:Q", format=".4f", title="Mean on clean images"),
        alt.Tooltip("triggered_mean:Q", format=".4f", title="Mean on triggered images"),
    ]
    layers = [activation_bars(table, measure, order, top)]
    if falls is not None:
        rows["falls"] = rows["channel"].map(falls)
        told.append(alt.Tooltip("falls:Q", title="Pruned as number"))
        points = alt.Chart(rows).mark_point(filled=True, size=18, color="#7a8189", opacity=1)
        axis = alt.Axis(orient="right")
        falling = alt.Y("falls:Q", title="Pruned as number (grey)", axis=axis)
        layers.append(points.encode(x="place:O", y=falling))
    # Bars are thin: the whole column above and below one answers to the pointer.
    columns = alt.Chart(rows).mark_rect(opacity=0, cursor="pointer")
    layers.append(columns.encode(x="place:O", tooltip=told).add_params(clicked))
    return alt.layer(*layers).resolve_scale(y="independent")


def change_by_layer(table: pd.DataFrame, layer: str) -> alt.Chart:
    """How far the trigger moves each layer.

    Args:
        table: see `activations.change_by_layer`.
        layer: the one looked at, in the trigger's colour.
    """
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X(
                "layer:N", sort=list(table["layer"]), title="Layer", axis=alt.Axis(labelAngle=-45)
            ),
            y=alt.Y("moved:Q", title="Change of the channels' means (%)"),
            color=alt.condition(
                alt.datum.layer == layer, alt.value(TRIGGERED), alt.value("#7a8189")
            ),
            tooltip=[
                alt.Tooltip("layer:N", title="Layer"),
                alt.Tooltip("moved:Q", title="Change (%)", format=".1f"),
            ],
        )
        .properties(height=340)
    )
