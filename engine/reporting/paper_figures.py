"""The paper's figures as charts: pure functions from a table to an `alt.Chart`.

One palette, one meaning a colour, safe for colour-blind eyes (Okabe and Ito).
"""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

CLEAN = "#0072B2"
TRIGGERED = "#D55E00"
RECOVERED = "#009E73"

MEASURES = {
    "clean_accuracy": ("Clean accuracy", CLEAN),
    "attack_success": ("Attack success", TRIGGERED),
    "recovered_accuracy": ("Recovered accuracy", RECOVERED),
}
KINDS = {"clean_mean": ("Clean images", CLEAN), "triggered_mean": ("Triggered images", TRIGGERED)}


def coloured(described: dict[str, tuple[str, str]]) -> alt.Color:
    """One colour a measure, and a legend above that fits on a phone."""
    labels, colours = zip(*described.values(), strict=True)
    return alt.Color(
        "what:N",
        scale=alt.Scale(domain=list(labels), range=list(colours)),
        title=None,
        legend=alt.Legend(orient="top", columns=2, labelLimit=400, symbolOpacity=1),
    )


def _long(
    table: pd.DataFrame, described: dict[str, tuple[str, str]], keep: list[str]
) -> pd.DataFrame:
    """One row a value, with the described columns' labels under "what"."""
    long = table.melt(id_vars=keep, value_vars=list(described), var_name="what")
    long["what"] = long["what"].map({name: label for name, (label, _) in described.items()})
    return long


def _ranges(long: pd.DataFrame, keep: list[str]) -> pd.DataFrame:
    """Mean, lowest and highest value of each measure over the networks in `long`."""
    return long.groupby([*keep, "what"], as_index=False)["value"].agg(["mean", "min", "max"])


def _tooltip(of: alt.Tooltip, several: bool) -> list[alt.Tooltip]:
    """What a mark of `_ranges` tells; lowest and highest only where there is more than one."""
    spread = [("min", "Lowest (%)"), ("max", "Highest (%)")] if several else []
    values = [("mean", "Mean (%)" if several else "Images (%)"), *spread]
    return [
        alt.Tooltip("what:N", title="Measure"),
        of,
        *(alt.Tooltip(f"{name}:Q", format=".2f", title=title) for name, title in values),
    ]


def pruning_curve(table: pd.DataFrame, cut: float | None = None) -> alt.LayerChart:
    """Figure 7: the three measures against the share of channels pruned.

    Args:
        table: rows of a curve with fraction (0 to 1) and the measures in percent; of several
            curves, one below the other, the mean is drawn, and a band from lowest to highest.
        cut: share of channels pruned to mark with a rule, or None.
    """
    several = bool(table["fraction"].duplicated().any())
    chart = alt.Chart(_ranges(_long(table, MEASURES, ["fraction"]), ["fraction"])).encode(
        x=alt.X("fraction:Q", axis=alt.Axis(format="%"), title="Channels pruned (%)"),
        color=coloured(MEASURES),
    )
    lines = chart.mark_line(strokeWidth=2.5).encode(
        y=alt.Y("mean:Q", scale=alt.Scale(domain=[0, 100]), title="Share of images (%)"),
        tooltip=_tooltip(alt.Tooltip("fraction:Q", format=".1%", title="Channels pruned"), several),
    )
    marks = pd.DataFrame({"fraction": [] if cut is None else [cut]})
    rule = (
        alt.Chart(marks).mark_rule(strokeDash=[5, 4], color="gray", size=2).encode(x="fraction:Q")
    )
    band = chart.mark_area(opacity=0.25).encode(y=alt.Y("min:Q"), y2="max:Q")
    return band + lines + rule if several else lines + rule


def orders_compared(tables: Mapping[str, pd.DataFrame], width: int = 300) -> alt.FacetChart:
    """Figure 7 of several orders over each other, a panel for each measure.

    Args:
        tables: title of an order -> rows of its curve, with fraction and the measures in percent.
        width: of each panel, pixels.
    """
    named = [table.assign(order=title) for title, table in tables.items()]
    long = _long(pd.concat(named, ignore_index=True), MEASURES, ["order", "fraction"])
    return (
        alt.Chart(long)
        .mark_line(strokeWidth=2.2)
        .encode(
            x=alt.X(
                "fraction:Q", axis=alt.Axis(format="%", tickCount=5), title="Channels pruned (%)"
            ),
            y=alt.Y("value:Q", scale=alt.Scale(domain=[0, 100]), title="Share of images (%)"),
            color=coloured(MEASURES).legend(None),
            strokeDash=alt.StrokeDash(
                "order:N",
                title=None,
                sort=list(tables),
                scale=alt.Scale(range=[[1, 0], [7, 4], [2, 2], [9, 3, 2, 3]]),
                legend=alt.Legend(orient="top", columns=1, labelLimit=400, symbolSize=900),
            ),
            tooltip=[
                alt.Tooltip("order:N", title="Order"),
                alt.Tooltip("what:N", title="Measure"),
                alt.Tooltip("fraction:Q", format=".1%", title="Channels pruned"),
                alt.Tooltip("value:Q", format=".2f", title="Images (%)"),
            ],
        )
        .properties(width=width, height=240)
        .facet(
            alt.Facet("what:N", title=None, sort=[label for label, _ in MEASURES.values()]),
            columns=3,
        )
    )


def activation_bars(table: pd.DataFrame, measure: str, order: list[int], top: float) -> alt.Chart:
    """Figures 5 and 6: mean activation of each channel.

    Args:
        table: rows of one layer with channel, clean_mean and triggered_mean.
        measure: "clean_mean" or "triggered_mean".
        order: channels from left to right.
        top: upper end of the vertical axis, so that two charts can share it.
    """
    label, colour = KINDS[measure]
    places = {channel: place for place, channel in enumerate(order)}
    shown = table.assign(place=table["channel"].map(places))
    lowest = min(0.0, float(table[list(KINDS)].to_numpy().min()))
    return (
        alt.Chart(shown)
        .mark_bar(color=colour)
        .encode(
            x=alt.X(
                "place:O",
                axis=alt.Axis(labels=False, ticks=False),
                title=f"Channel, {len(order)} in all",
            ),
            y=alt.Y(
                f"{measure}:Q",
                title="Mean activation (no unit)",
                scale=alt.Scale(domain=[lowest, top]),
            ),
            tooltip=[
                alt.Tooltip("channel:O", title="Channel"),
                alt.Tooltip("clean_mean:Q", format=".4f", title="Mean on clean images"),
                alt.Tooltip("triggered_mean:Q", format=".4f", title="Mean on triggered images"),
            ],
        )
        .properties(title=label)
    )


def repaired_bars(table: pd.DataFrame) -> alt.Chart | alt.LayerChart:
    """Figure 8: the repaired networks at each threshold.

    Args:
        table: rows with threshold (points) and the measures in percent; of several networks,
            one below the other, the mean is drawn, and a line from lowest to highest.
    """
    return _bars(table, "threshold", "Tolerated drop in clean accuracy (points)")


def models_compared(table: pd.DataFrame) -> alt.Chart | alt.LayerChart:
    """The three measures of several models.

    Args:
        table: rows with model and the measures in percent.
    """
    return _bars(table, "model", "Model")


def _bars(table: pd.DataFrame, column: str, title: str) -> alt.Chart | alt.LayerChart:
    several = bool(table[column].duplicated().any())
    chart = alt.Chart(_ranges(_long(table, MEASURES, [column]), [column])).encode(
        x=alt.X(f"{column}:O", title=title, axis=alt.Axis(labelAngle=0, labelLimit=120)),
        xOffset=alt.XOffset("what:N", sort=[label for label, _ in MEASURES.values()]),
    )
    bars = chart.mark_bar().encode(
        y=alt.Y("mean:Q", scale=alt.Scale(domain=[0, 100]), title="Share of images (%)"),
        color=coloured(MEASURES),
        tooltip=_tooltip(alt.Tooltip(f"{column}:O", title=title), several),
    )
    spread = chart.mark_rule(strokeWidth=2).encode(y=alt.Y("min:Q"), y2="max:Q")
    return bars + spread if several else bars
