"""The controls above the chart of a sweep: which figure, over which settings, in which form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from engine.experiments.sweeps import figures
from engine.reporting import sweep_charts

POINTS, MAP = "Points", "Map"
_NOTHING = "nothing"
WIDTH = 180  # pixels of a control; two of them fit side by side on a phone


@dataclass(frozen=True)
class View:
    """What the chart shows.

    Attributes:
        figure: its name in `figures.FIGURES`.
        axes: the settings for "x", and if there are two for "color"; on a map the vertical one.
        panels: the setting that each chart shows one value of; None for one chart.
        kind: `POINTS` or `MAP`.
    """

    figure: str
    axes: Mapping[str, str]
    panels: str | None
    kind: str


def choose(table: pd.DataFrame) -> tuple[View, pd.DataFrame]:
    """Draw the controls.

    Args:
        table: see `figures.with_subject`.

    Returns:
        What was chosen, and the rows of the table that it is about.
    """
    figure = _choose_figure(table)
    shown = table[table["figure"] == figure]
    settings = [one for one in figures.varying_settings(shown) if one != "seed"] or ["attack"]
    kind = _choose_kind() if len(settings) > 1 else POINTS
    axes = _choose_axes(settings, kind)
    rest = [setting for setting in settings if setting not in axes.values()]
    panels = _choose_panels(rest)
    for setting in rest:
        if setting != panels:
            shown = _keep_one(shown, setting)
    return View(figure, axes, panels, kind), shown


def _choose_figure(table: pd.DataFrame) -> str:
    offered = [name for name in figures.FIGURES if name in set(table["figure"])]
    usual = offered.index("attack_success") if "attack_success" in offered else 0
    found: str = st.selectbox(
        "Figure",
        offered,
        usual,
        format_func=lambda name: figures.FIGURES[name].label,
        key="figure",
        bind="query-params",
        width=WIDTH,
    )
    return found


def _choose_axes(settings: list[str], kind: str) -> dict[str, str]:
    if kind == MAP:
        along = _choose("Columns", settings, "along")
        rest = [name for name in reversed(settings) if name != along]
        return {"x": along, "color": _choose("Rows", rest, "rows")}
    along = _choose("Along", settings, "along")
    rest = [name for name in reversed(settings) if name != along]
    colour = _choose("Colour", [*rest, _NOTHING], "colour")
    return {"x": along} if colour == _NOTHING else {"x": along, "color": colour}


def _choose_panels(rest: list[str]) -> str | None:
    """The setting that each chart shows one value of; None for one chart."""
    if not rest:
        return None
    chosen = _choose("Panels", [_NOTHING, *rest], "panels")
    return None if chosen == _NOTHING else chosen


def _choose_kind() -> str:
    chosen = st.segmented_control(
        "Chart", [POINTS, MAP], default=POINTS, required=True, key="chart", bind="query-params"
    )
    return str(chosen)


def _choose(label: str, settings: list[str], key: str) -> str:
    found: str = st.selectbox(
        label, settings, format_func=_name_or_nothing, key=key, bind="query-params", width=WIDTH
    )
    return found


def _name_or_nothing(setting: str) -> str:
    return "Nothing" if setting == _NOTHING else sweep_charts.name_setting(setting)


def _keep_one(table: pd.DataFrame, setting: str) -> pd.DataFrame:
    """The rows with one value of a setting that the chart does not distinguish."""
    values = list(dict.fromkeys(table[setting]))
    chosen = st.selectbox(
        sweep_charts.name_setting(setting), values, key=f"only-{setting}", width=WIDTH
    )
    fits = table[setting].isna() if pd.isna(chosen) else table[setting] == chosen
    return table[fits]
