"""Charts of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from engine.experiments.sweeps.figures import FIGURES

HEIGHT = 340  # pixels
UNITS = {"rate": " (share of the training images)"}
POINT = "point"  # name of the selection
# None of the colours that stand for clean, triggered and recovered images elsewhere.
COLOURS = ["#7b5ea7", "#b8860b", "#3f7f7f", "#a0522d", "#6b7a8f", "#c2578b", "#556b2f", "#8b0000"]


def spread_chart(table: pd.DataFrame, figure: str, axes: Mapping[str, str]) -> Any:
    """Means with their range, over a setting; a click on a point selects its group.

    Args:
        table: see `figures.spread`.
        figure: its name in `FIGURES`.
        axes: setting for "x", and if wanted for "color".
    """
    style = FIGURES[figure]
    title = f"{style.label} ({style.unit})" if style.unit else style.label
    base = alt.Chart(table).encode(**_encodings(table, axes))
    tooltip = [
        *(alt.Tooltip(f"{name}:N", title=name_setting(name)) for name in axes.values()),
        alt.Tooltip("mean:Q", title="Mean", format=".2f"),
        alt.Tooltip("low:Q", title="Lowest", format=".2f"),
        alt.Tooltip("high:Q", title="Highest", format=".2f"),
        alt.Tooltip("networks:Q", title="Networks"),
    ]
    ranges = base.mark_rule(strokeWidth=2, opacity=0.6).encode(
        y=alt.Y("low:Q", title=title, scale=alt.Scale(zero=False, nice=True)), y2="high:Q"
    )
    picked = alt.selection_point(name=POINT, fields=list(axes.values()))
    points = (
        base.mark_point(filled=True, size=90)
        .encode(
            y=alt.Y("mean:Q", title=title),
            tooltip=tooltip,
            opacity=alt.condition(picked, alt.value(1), alt.value(0.35)),
        )
        .add_params(picked)
    )
    layers: Any = alt.layer(ranges, points).properties(height=HEIGHT)
    return layers


def _encodings(table: pd.DataFrame, axes: Mapping[str, str]) -> dict[str, Any]:
    horizontal = axes["x"]
    numeric = pd.api.types.is_numeric_dtype(table[horizontal])
    encodings: dict[str, Any] = {
        "x": alt.X(
            f"{horizontal}:O",
            title=f"{name_setting(horizontal)}{UNITS.get(horizontal, '')}",
            sort="ascending" if numeric else None,
            axis=alt.Axis(labelAngle=0, labelLimit=160),
        )
    }
    if colour := axes.get("color"):
        encodings["color"] = alt.Color(
            f"{colour}:N", title=name_setting(colour), scale=alt.Scale(range=COLOURS)
        )
        encodings["xOffset"] = alt.XOffset(f"{colour}:N")
    return encodings


def name_setting(setting: str) -> str:
    """A setting as the title of an axis."""
    known = {
        "rate": "Poisoning rate",
        "seed": "Seed",
        "subject": "After",
        "target": "Target class",
    }
    text = setting.removeprefix("trigger_").replace("_", " ")
    return known.get(setting, text[:1].upper() + text[1:])
