"""Charts of a training: pure functions from data to Altair charts."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.reporting.paper_figures import (
    CLEAN,
    TRIGGERED,
)


def history(table: pd.DataFrame) -> alt.Chart:
    """Clean accuracy and attack success on validation after each epoch."""
    labels = {
        "clean_accuracy": "Clean accuracy",
        "attack_success": "Attack success",
    }
    long = table.melt("epoch", list(labels), var_name="what")
    long["what"] = long["what"].map(labels)
    return (
        alt.Chart(long)
        .mark_line(point=True, strokeWidth=2.5)
        .encode(
            x=alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("value:Q", title="Validation images (%)", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=list(labels.values()), range=[CLEAN, TRIGGERED]),
                legend=alt.Legend(orient="top", columns=1, labelLimit=400),
            ),
            tooltip=[
                alt.Tooltip("what:N", title="Measure"),
                alt.Tooltip("epoch:Q", title="Epoch"),
                alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
            ],
        )
        .properties(height=340)
    )


def losses(table: pd.DataFrame) -> alt.Chart:
    """Training loss, mean over the images of an epoch.

    Args:
        table: rows with epoch and loss.
    """
    return (
        alt.Chart(table)
        .mark_line(point={"color": "#7a8189"}, strokeWidth=2.5, color="#7a8189")
        .encode(
            x=alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("loss:Q", title="Training loss (cross-entropy, nats)"),
            tooltip=[
                alt.Tooltip("epoch:Q", title="Epoch"),
                alt.Tooltip("loss:Q", title="Loss", format=".4f"),
            ],
        )
        .properties(height=340)
    )
