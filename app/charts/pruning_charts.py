"""The pruning curve with a threshold to drag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa

from engine.reporting.metric_style import NEUTRAL, SCORES, MetricStyle
from engine.reporting.paper_figures import known_in, pruning_curve


def draggable_curve(
    table: pd.DataFrame, step: int, styles: Mapping[str, MetricStyle] = SCORES
) -> alt.LayerChart:
    """Figure 7 with a rule to drag: it follows the pointer and selects on release.

    Args:
        table: rows of a curve with step, fraction (0 to 1) and the metrics in percent.
        step: the rule's position.
        styles: of the metrics; see `metric_style.scores_of`.

    Returns:
        A chart whose selection `drag` holds the step dragged to.
    """
    # The position travels as data: a selection alone would be lost when the slider moves.
    rows = table.assign(cut=step)
    x = alt.X("fraction:Q", axis=alt.Axis(format="%"), title="Channels pruned (%)")
    lines = pruning_curve(table, None, styles)
    layered: alt.LayerChart = lines + _rule(rows, x) + _pointer_area(rows, x)
    return layered


def move_rule(spec: Mapping[str, Any], step: int) -> dict[str, Any]:
    """The spec of a `draggable_curve` (see `caches.charts.chart_spec`) with its rule at `step`."""
    datasets = {name: _with_cut(rows, step) for name, rows in spec["datasets"].items()}
    return {**spec, "datasets": datasets}


def _rule(rows: pd.DataFrame, x: alt.X) -> alt.LayerChart:
    """The rule, its handle and the metrics' values there."""
    dragged, stored = "vlSelectionTest('drag_store', datum)", "datum.step == datum.cut"
    here = f"length(data('press_store')) ? {dragged} : {stored}"
    chart = alt.Chart(rows).transform_calculate(here=here)
    only_here = alt.condition("datum.here", alt.value(1), alt.value(0))
    no_tooltip = alt.value(None)
    rule = chart.mark_rule(size=3, color=NEUTRAL).encode(x=x, opacity=only_here, tooltip=no_tooltip)
    handle = chart.mark_point(shape="circle", filled=True, size=220, color=NEUTRAL).encode(
        x=x, y=alt.datum(0), opacity=only_here, tooltip=no_tooltip
    )
    values = alt.layer(
        *(
            chart.mark_point(filled=True, size=90, color=style.colour, opacity=1).encode(
                x=x, y=f"{metric}:Q", opacity=only_here
            )
            for metric, style in known_in(rows).items()
        )
    )
    layered: alt.LayerChart = rule + handle + values
    return layered


def _pointer_area(rows: pd.DataFrame, x: alt.X) -> alt.Chart:
    """An invisible layer that receives the pointer."""
    press = alt.selection_point(
        "press", on="pointerdown", clear="window:pointerup", nearest=True, empty=False
    )
    drag = alt.selection_point(
        "drag",
        fields=["step", "cut"],
        on="pointerdown, [pointerdown, pointerup] > pointermove",
        clear=False,
        nearest=True,
        empty=False,
    )
    points = alt.Chart(rows).mark_point(opacity=0, size=1, cursor="ew-resize")
    return points.encode(x=x, tooltip=alt.value(None)).add_params(press, drag)


def _with_cut(rows: pa.Table, step: int) -> pa.Table:
    """The table with its column "cut", if it has one, set to `step` everywhere."""
    if "cut" not in rows.column_names:
        return rows
    steps = pa.array(np.full(len(rows), step))
    return rows.set_column(rows.column_names.index("cut"), "cut", steps)
