"""Charts of channel activations."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.reporting.metric_style import NEUTRAL, TRIGGERED
from engine.reporting.paper_figures import activation_bars, activation_tooltip


def clickable_bars(
    table: pd.DataFrame, measure: str, order: list[int], top: float, ranks: pd.Series | None
) -> alt.LayerChart | alt.FacetChart:
    """Figures 5 and 6 with channels to click on and the pruning order drawn over the bars.

    Args:
        table, measure, order, top: as for `paper_figures.activation_bars`.
        ranks: channel -> pruning rank, from 1; None draws no order.

    Returns:
        A chart whose selection `clicked` holds the channel clicked on.
    """
    clicked = alt.selection_point("clicked", fields=["channel"], on="click", clear=False)
    rows = pd.DataFrame({"place": range(len(order)), "channel": order})
    rows = rows.merge(table[["channel", "clean_mean", "triggered_mean"]], on="channel")
    tooltip = activation_tooltip()
    layers = [activation_bars(table, measure, order, top)]
    if ranks is not None:
        rows["rank"] = rows["channel"].map(ranks)
        tooltip.append(alt.Tooltip("rank:Q", title="Pruning rank"))
        points = alt.Chart(rows).mark_point(filled=True, size=18, color=NEUTRAL, opacity=1)
        rank = alt.Y("rank:Q", title="Pruning rank (grey)", axis=alt.Axis(orient="right"))
        layers.append(points.encode(x="place:O", y=rank))
    # Bars are thin, so the full height of the chart above a channel reacts to the pointer.
    columns = alt.Chart(rows).mark_rect(opacity=0, cursor="pointer")
    layers.append(columns.encode(x="place:O", tooltip=tooltip).add_params(clicked))
    return alt.layer(*layers).resolve_scale(y="independent")


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
            x=alt.X(
                "layer:N", sort=list(table["layer"]), title="Layer", axis=alt.Axis(labelAngle=-45)
            ),
            y=alt.Y("moved:Q", title="Change of the channels' means (%)"),
            color=alt.condition(alt.datum.layer == layer, alt.value(TRIGGERED), alt.value(NEUTRAL)),
            tooltip=[
                alt.Tooltip("layer:N", title="Layer"),
                alt.Tooltip("moved:Q", title="Change (%)", format=".1f"),
            ],
        )
        .properties(height=340)
    )
