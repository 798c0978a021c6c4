"""Charts of repairs and of backdoor detection."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.defenses.detectors.spectral_inversion import FLAG_MARGIN
from engine.reporting.metric_style import NEUTRAL, TRIGGERED
from engine.reporting.paper_figures import LABELS, colour_by_metric, to_long

CHROME = 130  # pixels for the legend and the axis
ROW = 26  # pixels
_SHAPES = ["circle", "triangle-up", "diamond"]


def compare_repairs(table: pd.DataFrame) -> alt.Chart:
    """The three metrics of every repair, one row each, as points on a line.

    Args:
        table: rows with title, kind and the metrics in percent, in the order to draw.
    """
    points = (
        alt.Chart(to_long(table, ["title"]))
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=alt.X("value:Q", scale=alt.Scale(domain=[0, 100]), title="Share of test images (%)"),
            y=_names("title", list(table["title"]), 320, grid=True),
            yOffset=alt.YOffset("metric:N", sort=LABELS),  # keeps equal values apart
            color=colour_by_metric(columns=1),
            shape=alt.Shape("metric:N", scale=alt.Scale(domain=LABELS, range=_SHAPES), legend=None),
            tooltip=[
                alt.Tooltip("title:N", title="Repair"),
                alt.Tooltip("metric:N", title="Metric"),
                alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
            ],
        )
    )
    return points.properties(height=CHROME + ROW * len(table))


def perturbation_psnr(evidence: pd.DataFrame, shown: int = 10) -> alt.LayerChart:
    """The classes reached by the faintest patterns; the flagged one in the trigger's colour.

    A rule marks the distance from the median at which a class is flagged.

    Args:
        evidence: see `Detection.evidence`.
        shown: how many classes.
    """
    fainter = evidence.assign(fainter=evidence["psnr_db"] - evidence["psnr_db"].median())
    fainter = fainter.head(shown)
    domain = [min(0.0, *fainter["fainter"]), max(10.0, *fainter["fainter"])]
    bars = (
        alt.Chart(fainter)
        .mark_bar()
        .encode(
            x=alt.X(
                "fainter:Q",
                title="Fainter than the median class (dB)",
                scale=alt.Scale(domain=domain),
            ),
            y=_names("name", list(evidence["name"]), 220),
            color=alt.condition("datum.flagged", alt.value(TRIGGERED), alt.value(NEUTRAL)),
            tooltip=[
                alt.Tooltip("name:N", title="Class"),
                alt.Tooltip("psnr_db:Q", title="Faintest pattern (PSNR, dB)", format=".1f"),
                alt.Tooltip("fainter:Q", title="Fainter than the median (dB)", format=".1f"),
            ],
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"fainter": [FLAG_MARGIN]}))
        .mark_rule(strokeDash=[5, 4], color=NEUTRAL, size=2)
        .encode(x="fainter:Q")
    )
    layered: alt.LayerChart = bars + rule
    return layered.properties(height=ROW * min(shown, len(evidence)))


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
            y=alt.Y("above:Q", title="Above the layer's mean (standard deviations)"),
            tooltip=[
                alt.Tooltip("layer:N", title="Convolution"),
                alt.Tooltip("channel:O", title="Channel"),
                alt.Tooltip("above:Q", title="Above the mean", format=".2f"),
            ],
        )
        .properties(height=320)
    )


def _names(column: str, order: list[str], limit: int, grid: bool = False) -> alt.Y:
    """A vertical axis of names, all of them shown, at most `limit` pixels wide."""
    axis = alt.Axis(labelLimit=limit, ticks=False, grid=grid, labelOverlap=False)
    return alt.Y(f"{column}:N", sort=order, title=None, axis=axis)
