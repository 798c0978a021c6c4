"""The paper's Figures 5 to 8 as charts, and comparisons drawn in the same way.

Every function turns a table into an Altair chart and has no side effects.
"""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from engine.reporting.metric_style import ACTIVATIONS, NEUTRAL, SCORES, MetricStyle

LABELS = [style.label for style in SCORES.values()]
_LONG = 20  # characters of a label; longer ones stand below each other
_DASHES = [[1, 0], [7, 4], [2, 2], [9, 3, 2, 3]]


def colour_by_metric(styles: Mapping[str, MetricStyle] = SCORES, columns: int = 3) -> alt.Color:
    """The colour of each metric in the field "metric", with a legend above that fits a phone."""
    if any(len(style.label) > _LONG for style in styles.values()):
        columns = 1
    return alt.Color(
        "metric:N",
        scale=alt.Scale(
            domain=[style.label for style in styles.values()],
            range=[style.colour for style in styles.values()],
        ),
        title=None,
        legend=alt.Legend(
            orient="top",
            columns=columns,
            labelLimit=400,
            labelFontSize=11,
            symbolOpacity=1,
            symbolSize=60,
            columnPadding=5,
        ),
    )


def percent_axis(field: str, title: str = "Share of images (%)") -> alt.Y:
    """A vertical axis from 0 to 100 %."""
    return alt.Y(field, scale=alt.Scale(domain=[0, 100]), title=title)


def known_in(
    table: pd.DataFrame, styles: Mapping[str, MetricStyle] = SCORES
) -> dict[str, MetricStyle]:
    """Those of the metrics that a table has."""
    return {name: style for name, style in styles.items() if name in table}


def to_long(
    table: pd.DataFrame, keep: list[str], styles: Mapping[str, MetricStyle] = SCORES
) -> pd.DataFrame:
    """One row per value: the columns `keep`, metric (its label) and value.

    Metrics that the table does not have are left out.
    """
    long = table.melt(id_vars=keep, value_vars=list(known_in(table, styles)), var_name="metric")
    long["metric"] = long["metric"].map({name: style.label for name, style in styles.items()})
    return long


def _ranges(long: pd.DataFrame, keep: list[str]) -> pd.DataFrame:
    """Mean, lowest and highest value of each metric over the networks in `long`."""
    return long.groupby([*keep, "metric"], as_index=False)["value"].agg(["mean", "min", "max"])


def _tooltip(of: alt.Tooltip, several: bool) -> list[alt.Tooltip]:
    """The tooltip of a row of `_ranges`; lowest and highest only with several networks."""
    spread = [("min", "Lowest (%)"), ("max", "Highest (%)")] if several else []
    values = [("mean", "Mean (%)" if several else "Images (%)"), *spread]
    return [
        alt.Tooltip("metric:N", title="Metric"),
        of,
        *(alt.Tooltip(f"{name}:Q", format=".2f", title=title) for name, title in values),
    ]


def pruning_curve(
    table: pd.DataFrame,
    cut: float | None = None,
    styles: Mapping[str, MetricStyle] = SCORES,
) -> alt.LayerChart:
    """Figure 7: the three metrics against the fraction of channels pruned.

    Args:
        table: rows of a curve with fraction (0 to 1) and the metrics in percent. With the rows of
            several curves, their mean is drawn and a band from lowest to highest.
        cut: fraction of channels to mark with a rule, or None.
        styles: of the metrics; see `metric_style.scores_of`. Those not in the table are left out.
    """
    several, shown = bool(table["fraction"].duplicated().any()), known_in(table, styles)
    chart = alt.Chart(_ranges(to_long(table, ["fraction"], shown), ["fraction"])).encode(
        x=alt.X("fraction:Q", axis=alt.Axis(format="%"), title="Channels pruned (%)"),
        color=colour_by_metric(shown),
    )
    lines = chart.mark_line(strokeWidth=2.5).encode(
        y=percent_axis("mean:Q"),
        tooltip=_tooltip(alt.Tooltip("fraction:Q", format=".1%", title="Channels pruned"), several),
    )
    marks = pd.DataFrame({"fraction": [] if cut is None else [cut]})
    rule = alt.Chart(marks).mark_rule(strokeDash=[5, 4], color=NEUTRAL, size=2)
    band = chart.mark_area(opacity=0.25).encode(y=alt.Y("min:Q"), y2="max:Q")
    rule = rule.encode(x="fraction:Q")
    return band + lines + rule if several else lines + rule


def orders_compared(
    tables: Mapping[str, pd.DataFrame],
    width: int = 300,
    styles: Mapping[str, MetricStyle] = SCORES,
) -> alt.FacetChart:
    """Figure 7 for several pruning orders, with one panel per metric.

    Args:
        tables: title of an order -> rows of its curve, with fraction and the metrics in percent.
        width: of each panel, pixels.
        styles: as for `pruning_curve`.
    """
    named = pd.concat(
        [table.assign(order=title) for title, table in tables.items()], ignore_index=True
    )
    shown = known_in(named, styles)
    long = to_long(named, ["order", "fraction"], shown)
    return (
        alt.Chart(long)
        .mark_line(strokeWidth=2.2)
        .encode(
            x=alt.X(
                "fraction:Q", axis=alt.Axis(format="%", tickCount=5), title="Channels pruned (%)"
            ),
            y=percent_axis("value:Q"),
            color=colour_by_metric(shown).legend(None),
            strokeDash=alt.StrokeDash(
                "order:N",
                title=None,
                sort=list(tables),
                scale=alt.Scale(range=_DASHES),
                legend=alt.Legend(orient="top", columns=1, labelLimit=400, symbolSize=900),
            ),
            tooltip=[
                alt.Tooltip("order:N", title="Order"),
                alt.Tooltip("metric:N", title="Metric"),
                alt.Tooltip("fraction:Q", format=".1%", title="Channels pruned"),
                alt.Tooltip("value:Q", format=".2f", title="Images (%)"),
            ],
        )
        .properties(width=width, height=240)
        .facet(
            alt.Facet("metric:N", title=None, sort=[style.label for style in shown.values()]),
            columns=3,
        )
    )


def activation_bars(table: pd.DataFrame, measure: str, order: list[int], top: float) -> alt.Chart:
    """Figures 5 and 6: mean activation of each channel.

    Args:
        table: rows of one layer with channel, clean_mean and triggered_mean.
        measure: "clean_mean" (Figure 5) or "triggered_mean" (Figure 6).
        order: channels from left to right.
        top: upper end of the vertical axis, so that two charts can share it.
    """
    style = ACTIVATIONS[measure]
    places = {channel: place for place, channel in enumerate(order)}
    shown = table.assign(place=table["channel"].map(places))
    known = [name for name in ACTIVATIONS if name in table]
    lowest = min(0.0, float(table[known].to_numpy().min()))
    return (
        alt.Chart(shown)
        .mark_bar(color=style.colour)
        .encode(
            x=alt.X(
                "place:O",
                axis=alt.Axis(labels=False, ticks=False),
                title=f"Channel ({len(order)} in total)",
            ),
            y=alt.Y(
                f"{measure}:Q",
                title="Mean activation (no unit)",
                scale=alt.Scale(domain=[lowest, top]),
            ),
            tooltip=activation_tooltip(table),
        )
        .properties(title=style.label)
    )


def activation_tooltip(table: pd.DataFrame) -> list[alt.Tooltip]:
    """A channel and its mean activations, as far as the table has them."""
    means = [
        alt.Tooltip(f"{name}:Q", format=".4f", title=style.help)
        for name, style in ACTIVATIONS.items()
        if name in table
    ]
    return [alt.Tooltip("channel:O", title="Channel"), *means]


def repaired_bars(
    table: pd.DataFrame, styles: Mapping[str, MetricStyle] = SCORES
) -> alt.Chart | alt.LayerChart:
    """Figure 8: the repaired networks at each threshold.

    Args:
        table: rows with threshold (points) and the metrics in percent. With the rows of several
            networks, their mean is drawn and a line from lowest to highest.
        styles: as for `pruning_curve`.
    """
    column, title = "threshold", "Threshold: drop in clean accuracy (points)"
    several, shown = bool(table[column].duplicated().any()), known_in(table, styles)
    chart = alt.Chart(_ranges(to_long(table, [column], shown), [column])).encode(
        x=alt.X(f"{column}:O", title=title, axis=alt.Axis(labelAngle=0, labelLimit=120)),
        xOffset=alt.XOffset("metric:N", sort=[style.label for style in shown.values()]),
    )
    bars = chart.mark_bar().encode(
        y=percent_axis("mean:Q"),
        color=colour_by_metric(shown),
        tooltip=_tooltip(alt.Tooltip(f"{column}:O", title=title), several),
    )
    spread = chart.mark_rule(strokeWidth=2).encode(y=alt.Y("min:Q"), y2="max:Q")
    return bars + spread if several else bars
