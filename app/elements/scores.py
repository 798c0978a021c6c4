"""The three figures that always stand together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import streamlit as st

_DESCRIBED = {
    "clean_accuracy": (
        "Clean accuracy",
        "Share of clean test images read as what they show.",
    ),
    "attack_success": (
        "Attack success",
        "Share of triggered test images read as the target class. Images that show the target"
        " class anyway are left out.",
    ),
    "recovered_accuracy": (
        "Recovered accuracy",
        "Share of the same triggered images read as what they really show. A repair is one only"
        " if this rises: attack success can fall to 0 while every triggered image is still"
        " misread.",
    ),
}


def show(scores: Mapping[str, float], before: Mapping[str, float] | None = None) -> None:
    """Three metrics in percent, with the change against `before` in points where there is one."""
    row = st.container(horizontal=True)
    for name, (label, help) in _DESCRIBED.items():
        change = None if before is None else scores[name] - before[name]
        row.metric(
            label,
            f"{scores[name]:.2f} %",
            None if change is None else f"{change:+.2f} points",
            delta_color=_colour(name, change),
            delta_arrow="auto" if change else "off",
            help=help,
            border=True,
        )


def _colour(name: str, change: float | None) -> Literal["off", "inverse", "normal"]:
    if not change:
        return "off"
    return "inverse" if name == "attack_success" else "normal"
