"""Step 4: what the trigger does to the channels of the last layer."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.frame.pages import PAGES
from app.views.tour import charts, drawing
from app.views.tour.scene import Scene
from engine.defenses.activations import change_by_layer
from engine.reporting.metric_style import CLEAN, TRIGGERED

_MARKED = "tour-marked"
_USUAL, _MOST = 5, 20  # channels to mark


def show(scene: Scene) -> None:
    """Mean activations on clean and triggered images, the largest rises marked."""
    table = caches.models.table(scene.model, "activations")
    if table is None:
        drawing.headline(
            "Which channels respond to the trigger?",
            "The activations of this model have not been measured yet.",
        )
        PAGES["activations"].link("Measure them on Activations")
        return
    layer = table["layer"].iloc[-1]
    moved = change_by_layer(table)["moved"].iloc[-1]
    rows = table[table["layer"] == layer].sort_values("clean_mean", kind="stable")
    rows = rows.assign(place=range(len(rows)), rise=rows["triggered_mean"] - rows["clean_mean"])
    most = min(_MOST, len(rows))
    count = st.session_state.get(_MARKED, min(_USUAL, most))
    marked = rows.nlargest(count, "rise")
    drawing.headline(
        f"Inside, the trigger shifts the last layer by {moved:.0f} %", _sentence(scene, marked)
    )
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    if most > 1:
        left.slider("Channels to mark", 1, most, min(_USUAL, most), key=_MARKED)
    with right:
        drawing.figures(_figures(marked))
    key = (*caches.models.version(scene.model), "tour-channels", count)
    drawing.chart(
        caches.charts.chart_spec(key, lambda: charts.channels(rows, marked["channel"].tolist())),
        "tour-channels",
        f"Mean activation of the {len(rows)} channels of {layer}: clean images as bars,"
        f" triggered images as points. Marked are the {count} that rise most.",
    )


def _figures(marked: pd.DataFrame) -> list[drawing.Figure]:
    """What the marked channels do on average; the labels are the chart's legend as well."""
    return [
        drawing.Figure(name, f"{marked[column].mean():.2f}", colour, "mean of the marked")
        for name, column, colour in (
            ("Clean images: bars", "clean_mean", CLEAN),
            ("Triggered images: points", "triggered_mean", TRIGGERED),
        )
    ]


def _sentence(scene: Scene, marked: pd.DataFrame) -> str:
    count = len(marked)
    which = "The channel that rises most is" if count == 1 else f"The {count} that rise most are"
    curve = scene.curve
    if curve is None:
        return f"{which} marked in full colour."
    ranks = {int(channel): rank for rank, channel in enumerate(curve.channels, 1)}
    found = sorted(ranks[channel] for channel in marked["channel"] if channel in ranks)
    if len(found) < count:
        return f"{which} marked in full colour."
    numbers = [f"{rank}" for rank in found]
    listed = numbers[0] if count == 1 else ", ".join(numbers[:-1]) + f" and {numbers[-1]}"
    return f"{which} marked. Pruning removes them as number {listed} of {len(curve.channels)}."
