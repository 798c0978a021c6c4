"""A curve, a threshold to move on it, and what the network does there."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import scores
from engine import figures
from engine.pruning.curve import Curve


def look_up(curve: Curve, key: str) -> float:
    """The curve with a threshold slider; moving it is a look-up. Returns the threshold."""
    threshold = st.slider(
        "Tolerated drop in clean accuracy (percentage points)",
        min_value=0.5,
        max_value=60.0,
        value=2.0,
        step=0.5,
        key=f"threshold-{key}",
        help="Pruning stops at the first step where accuracy on clean validation images has"
        " dropped by this much. Attack success plays no part: a defender cannot know it.",
        bind="query-params",
    )
    step = curve.step_at(threshold)
    row, start = curve.test.iloc[step], curve.test.iloc[0]
    st.markdown(
        f"**{step} of {len(curve.channels)} channels pruned ({row['fraction']:.0%}).**"
        f" {verdict(row)}"
    )
    scores.show(row, start)
    st.altair_chart(
        figures.pruning_curve(curve.test, float(row["fraction"])).properties(height=440),
        width="stretch",
        alt="Clean accuracy, attack success and recovered accuracy on test images against the"
        f" share of channels pruned; a rule marks {row['fraction']:.0%}.",
        key=f"chart-{key}",
    )
    return threshold


def verdict(row: pd.Series) -> str:
    """In one sentence, what has become of the backdoor."""
    attack, recovered = row["attack_success"], row["recovered_accuracy"]
    if attack > 50:
        return "The backdoor still works."
    if recovered > 50:
        return "The backdoor is weak, and most triggered images are read right again."
    return (
        "The backdoor is weak, but nothing is repaired:"
        " triggered images are still misread, only in other ways."
    )


def threshold_table(table: pd.DataFrame) -> None:
    """The repaired networks at several thresholds."""
    shown = table.assign(fraction=100 * table["fraction"])
    st.dataframe(
        shown,
        hide_index=True,
        column_config={
            "threshold": st.column_config.NumberColumn("Tolerated drop (points)", format="%.1f"),
            "step": st.column_config.NumberColumn("Channels pruned"),
            "fraction": st.column_config.NumberColumn("Channels pruned (%)", format="%.0f"),
            "validation_accuracy": st.column_config.NumberColumn(
                "Clean accuracy, validation (%)", format="%.1f"
            ),
            "clean_accuracy": st.column_config.NumberColumn(
                "Clean accuracy, test (%)", format="%.1f"
            ),
            "attack_success": st.column_config.NumberColumn("Attack success (%)", format="%.1f"),
            "recovered_accuracy": st.column_config.NumberColumn(
                "Recovered accuracy (%)", format="%.1f"
            ),
        },
    )
