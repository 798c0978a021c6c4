"""The three metrics side by side, and their columns in tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from engine.reporting.metric_style import SCORES, STYLES


def show(scores: Mapping[str, float], before: Mapping[str, float] | None = None) -> None:
    """Show the three metrics in percent and, given `before`, their changes in points."""
    row = st.container(horizontal=True)
    for name, style in SCORES.items():
        change = None if before is None else scores[name] - before[name]
        row.metric(
            style.label,
            f"{scores[name]:.2f} %",
            None if change is None else f"{change:+.2f} points",
            delta_color=_delta_colour(name, change),
            delta_arrow="auto" if change else "off",
            help=style.help,
            border=True,
        )


def columns(**formats: str | None) -> dict[str, Any]:
    """Number columns for `st.dataframe`, with label, unit and help of each metric.

    Args:
        formats: name of the column -> its number format, such as "%.2f"; None for the usual one.
    """
    return {
        name: st.column_config.NumberColumn(
            STYLES[name].heading, format=form, help=STYLES[name].help or None
        )
        for name, form in formats.items()
    }


def _delta_colour(name: str, change: float | None) -> Literal["off", "inverse", "normal"]:
    if not change:
        return "off"
    return "inverse" if name == "attack_success" else "normal"
