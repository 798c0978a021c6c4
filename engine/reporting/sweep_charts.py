"""Charts of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from engine.experiments.sweeps import figures
from engine.experiments.sweeps.figures import FIGURES
from engine.reporting.metric_style import NEUTRAL, STYLES

HEIGHT = 340  # pixels
INK, PAPER = "#1f2328", "#f6f6f4"  # of the numbers on a map, and of its lightest field
LIGHTNESS = 0.7  # share of the full colour in the darkest field
SIDE_BY_SIDE = 40  # letters of the names on an axis that a phone shows in one line
MAP_SIDE = 220  # pixels of a map in a picture of several
UNITS = {
    "rate": " (share of the training images)",
    "trigger_magnitude": " (added to the DCT coefficients)",
}
POINT = "point"  # name of the selection
# None of the colours that stand for clean, triggered and recovered images elsewhere.
COLOURS = ["#7b5ea7", "#b8860b", "#3f7f7f", "#a0522d", "#6b7a8f", "#c2578b", "#556b2f", "#8b0000"]


def spread_chart(
    table: pd.DataFrame,
    figure: str,
    axes: Mapping[str, str],
    domain: Sequence[float] | None = None,
) -> Any:
    """Means with their range, over a setting; a click on a point selects its group.

    Args:
        table: see `figures.spread`.
        figure: its name in `FIGURES`.
        axes: setting for "x", and if wanted for "color".
        domain: lowest and highest value of the vertical axis; those of the table if left out.
    """
    base = alt.Chart(table).encode(**_encodings(table, axes))
    ranges = base.mark_rule(strokeWidth=2, color=NEUTRAL).encode(
        y=alt.Y("low:Q", title=heading(figure), scale=_scale(domain)), y2="high:Q"
    )
    picked = alt.selection_point(name=POINT, fields=list(axes.values()))
    points = (
        base.mark_point(filled=True, size=90)
        .encode(
            y=alt.Y("mean:Q", title=heading(figure), scale=_scale(domain)),
            tooltip=_tooltip(axes),
            opacity=alt.condition(picked, alt.value(1), alt.value(0.35)),
        )
        .add_params(picked)
    )
    layers: Any = alt.layer(ranges, points).properties(height=HEIGHT)
    return layers


def map_chart(
    table: pd.DataFrame,
    figure: str,
    axes: Mapping[str, str],
    limits: tuple[float, float] | None = None,
) -> Any:
    """Means as fields of a map over two settings, each with its number.

    Args:
        table: see `figures.spread`.
        figure: its name in `FIGURES`.
        axes: settings for "x" and "y".
        limits: values of the lightest and the darkest colour; those of the table if left out.
    """
    low, high = limits or (float(table["mean"].min()), float(table["mean"].max()))
    colour = STYLES[figure].colour if figure in STYLES else NEUTRAL
    base = alt.Chart(table).encode(
        alt.X(
            f"{axes['x']}:O",
            title=name_axis(axes["x"]),
            axis=alt.Axis(labelAngle=0, labelFlush=False),
        ),
        alt.Y(f"{axes['y']}:O", title=name_axis(axes["y"]), sort="descending"),
    )
    fields = base.mark_rect(stroke="white").encode(
        color=alt.Color(
            "mean:Q",
            title=heading(figure),
            scale=alt.Scale(range=[PAPER, _lighten(colour)], domain=[low, high]),
        ),
        tooltip=_tooltip(axes),
    )
    numbers = base.mark_text(fontSize=13, color=INK).encode(
        text=alt.Text("mean:Q", format=".3~g" if high < 10 else ".0f"),
    )
    layers: Any = alt.layer(fields, numbers).properties(height=HEIGHT)
    return layers


def maps(table: pd.DataFrame, names: Sequence[str], axes: Mapping[str, str]) -> Any:
    """A map for each of several figures, side by side.

    Args:
        table: see `SweepResults.table`.
        names: of the figures; see `figures.of_first_subject`.
        axes: settings for "x" and "y".

    Raises:
        UserError: nothing in the table has one of the figures.
    """
    rows = figures.with_subject(table)
    drawn = []
    for name in names:
        means = figures.spread(figures.of_first_subject(rows, name), list(axes.values()))
        drawn.append(
            map_chart(means, name, axes).properties(
                title=heading(name), width=MAP_SIDE, height=MAP_SIDE
            )
        )
    return alt.hconcat(*drawn).resolve_scale(color="independent")


def heading(figure: str) -> str:
    """A figure with its unit."""
    style = FIGURES[figure]
    return f"{style.label} ({style.unit})" if style.unit else style.label


def _lighten(colour: str) -> str:
    """The colour mixed with white, so that `INK` can be read on it: hexadecimal RGB."""
    levels = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - LIGHTNESS * (255 - level)):02x}" for level in levels)


def _scale(domain: Sequence[float] | None) -> alt.Scale:
    limits = alt.Undefined if domain is None else list(domain)
    return alt.Scale(zero=False, nice=True, domain=limits)


def _tooltip(axes: Mapping[str, str]) -> list[alt.Tooltip]:
    return [
        *(alt.Tooltip(f"{name}:N", title=name_setting(name)) for name in axes.values()),
        alt.Tooltip("mean:Q", title="Mean", format=".2f"),
        alt.Tooltip("low:Q", title="Lowest", format=".2f"),
        alt.Tooltip("high:Q", title="Highest", format=".2f"),
        alt.Tooltip("networks:Q", title="Networks"),
    ]


def _encodings(table: pd.DataFrame, axes: Mapping[str, str]) -> dict[str, Any]:
    horizontal = axes["x"]
    numeric = pd.api.types.is_numeric_dtype(table[horizontal])
    letters = sum(len(str(value)) for value in table[horizontal].unique())
    encodings: dict[str, Any] = {
        "x": alt.X(
            f"{horizontal}:O",
            title=name_axis(horizontal),
            sort="ascending" if numeric else None,
            axis=alt.Axis(
                labelAngle=0 if letters <= SIDE_BY_SIDE else -30,
                labelLimit=180,
                labelOverlap=False,
                labelFlush=False,
            ),
        )
    }
    if colour := axes.get("color"):
        encodings["color"] = alt.Color(
            f"{colour}:N", title=name_setting(colour), scale=alt.Scale(range=COLOURS)
        )
        encodings["xOffset"] = alt.XOffset(f"{colour}:N")
    return encodings


def name_axis(setting: str) -> str:
    """A setting as the title of an axis, with its unit."""
    return f"{name_setting(setting)}{UNITS.get(setting, '')}"


def name_setting(setting: str) -> str:
    """A setting in words."""
    known = {
        "rate": "Poisoning rate",
        "seed": "Seed",
        "subject": "What was tried",
        "target": "Target class",
    }
    text = setting.removeprefix("trigger_").replace("_", " ")
    return known.get(setting, text[:1].upper() + text[1:])
