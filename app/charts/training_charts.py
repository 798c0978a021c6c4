"""Charts of a training run."""

from __future__ import annotations

import altair as alt
import pandas as pd

from engine.reporting.metric_style import NEUTRAL, SCORES
from engine.reporting.paper_figures import colour_by_metric, percent_axis, to_long

HEIGHT = 300  # pixels
_SHOWN = {name: SCORES[name] for name in ("clean_accuracy", "attack_success")}


def history(table: pd.DataFrame, epochs: float | None = None) -> alt.Chart:
    """Clean accuracy and attack success on validation images after each epoch.

    Args:
        table: rows with epoch, clean_accuracy and attack_success (percent); may be empty.
        epochs: where the horizontal axis ends; None: at the last row.
    """
    return (
        alt.Chart(to_long(table, ["epoch"], _SHOWN))
        .mark_line(point=True, strokeWidth=2.5)
        .encode(
            x=_epochs(epochs),
            y=percent_axis("value:Q", "Validation images (%)"),
            color=colour_by_metric(_SHOWN, columns=2),
            tooltip=[
                alt.Tooltip("metric:N", title="Metric"),
                alt.Tooltip("epoch:Q", title="Epoch"),
                alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
            ],
        )
        .properties(height=HEIGHT)
    )


def losses(table: pd.DataFrame, epochs: float | None = None) -> alt.Chart:
    """Training loss, the mean over the images of an epoch.

    Args:
        table: rows with epoch and loss; may be empty.
        epochs: where the horizontal axis ends; None: at the last row.
    """
    return (
        alt.Chart(table)
        .mark_line(point={"color": NEUTRAL}, strokeWidth=2.5, color=NEUTRAL)
        .encode(
            x=_epochs(epochs),
            y=alt.Y(
                "loss:Q",
                title="Training loss (cross-entropy, nats)",
                scale=alt.Scale(domain=[0, 4]) if table.empty else alt.Undefined,
            ),
            tooltip=[
                alt.Tooltip("epoch:Q", title="Epoch"),
                alt.Tooltip("loss:Q", title="Loss", format=".4f"),
            ],
        )
        .properties(height=HEIGHT)
    )


def _epochs(end: float | None) -> alt.X:
    scale = alt.Undefined if end is None else alt.Scale(domain=[0, end])
    return alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d"), scale=scale)
