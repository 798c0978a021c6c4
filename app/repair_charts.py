"""Charts of repairs and of what they look for: pure functions from data to `alt.Chart`."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.figures import MEASURES, TRIGGERED


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
        axis=alt.Axis(labelLimit=320, ticks=False, grid=True),
    )
    points = (
        alt.Chart(long)
        .mark_point(filled=True, size=130, opacity=0.95)
        .encode(
            x=alt.X("value:Q", scale=alt.Scale(domain=[0, 100]), title="Share of test images (%)"),
            y=y,
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(
                    domain=list(labels.values()), range=[colour for _, colour in MEASURES.values()]
                ),
                legend=alt.Legend(orient="top"),
            ),
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
    return points.properties(height=alt.Step(27))


def loudness(evidence: pd.DataFrame) -> alt.Chart:
    """How faint a pattern each class needs; the accused class in the target's colour.

    Args:
        evidence: see `Screening.evidence`.
    """
    return (
        alt.Chart(evidence)
        .mark_bar()
        .encode(
            x=alt.X(
                "name:N",
                sort=list(evidence["name"]),
                title="Class",
                axis=alt.Axis(labelAngle=-60, labelLimit=150),
            ),
            y=alt.Y(
                "psnr_db:Q",
                title="Faintest pattern (dB of PSNR)",
                scale=alt.Scale(domainMin=20, zero=False),
            ),
            color=alt.condition("datum.accused", alt.value(TRIGGERED), alt.value("#7a8189")),
            tooltip=[
                alt.Tooltip("name:N", title="Class"),
                alt.Tooltip("psnr_db:Q", title="Faintest pattern (dB)", format=".1f"),
            ],
        )
        .properties(height=340)
    )


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
