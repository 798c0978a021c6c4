"""Charts of repairs and of what they look for: pure functions from data to `alt.Chart`."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.defenses.detectors.spectral_inversion import FLAG_MARGIN
from engine.reporting.paper_figures import MEASURES, TRIGGERED, coloured

ROOM = 130  # pixels that legend and axis take


def side_by_side(table: pd.DataFrame) -> alt.Chart:
    """The three measures of every repair, a row each; points on a line.

    Args:
        table: rows with title, kind and the measures in percent, in the order to draw.
    """
    labels = {name: label for name, (label, _) in MEASURES.items()}
    long = table.melt(["title"], list(labels), var_name="what")
    long["what"] = long["what"].map(labels)
    y = alt.Y(
        "title:N",
        sort=list(table["title"]),
        title=None,
        axis=alt.Axis(labelLimit=320, ticks=False, grid=True, labelOverlap=False),
    )
    points = (
        alt.Chart(long)
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=alt.X("value:Q", scale=alt.Scale(domain=[0, 100]), title="Share of test images (%)"),
            y=y,
            yOffset=alt.YOffset("what:N", sort=list(labels.values())),  # equal figures are seen
            color=coloured(MEASURES).legend(orient="top", columns=1, labelLimit=400),
            shape=alt.Shape(
                "what:N",
                scale=alt.Scale(
                    domain=list(labels.values()), range=["circle", "triangle-up", "diamond"]
                ),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("title:N", title="Repair"),
                alt.Tooltip("what:N", title="Measure"),
                alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
            ],
        )
    )
    return points.properties(height=ROOM + 26 * len(table))


def perturbation_psnr(evidence: pd.DataFrame, shown: int = 10) -> alt.LayerChart:
    """The classes that need the faintest pattern; the accused one in the target's colour.

    A rule stands where a class begins to be accused.

    Args:
        evidence: see `Detection.evidence`.
        shown: how many classes.
    """
    fainter = evidence.assign(fainter=evidence["psnr_db"] - evidence["psnr_db"].median())
    fainter = fainter.head(shown)
    reach = [min(0.0, *fainter["fainter"]), max(10.0, *fainter["fainter"])]
    bars = (
        alt.Chart(fainter)
        .mark_bar()
        .encode(
            x=alt.X(
                "fainter:Q",
                title="Fainter than the median class (dB)",
                scale=alt.Scale(domain=reach),
            ),
            y=alt.Y(
                "name:N",
                sort=list(evidence["name"]),
                title=None,
                axis=alt.Axis(labelLimit=220, ticks=False, labelOverlap=False),
            ),
            color=alt.condition("datum.flagged", alt.value(TRIGGERED), alt.value("#7a8189")),
            tooltip=[
                alt.Tooltip("name:N", title="Class"),
                alt.Tooltip("psnr_db:Q", title="Its faintest pattern (dB of PSNR)", format=".1f"),
                alt.Tooltip("fainter:Q", title="Fainter than the median (dB)", format=".1f"),
            ],
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"fainter": [FLAG_MARGIN]}))
        .mark_rule(strokeDash=[5, 4], color="#7a8189", size=2)
        .encode(x="fainter:Q")
    )
    layered: alt.LayerChart = bars + rule
    return layered.properties(height=26 * min(shown, len(evidence)))


def amplification(table: pd.DataFrame) -> alt.Chart:
    """How far each channel's bound lies above its layer's mean.

    Args:
        table: rows with layer, channel and above (standard deviations).
    """
    return (
        alt.Chart(table)
        .mark_point(filled=True, size=45, opacity=0.7, color="#7a8189")
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
