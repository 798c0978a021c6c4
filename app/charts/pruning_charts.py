"""Charts of pruning with a threshold to move: pure functions from data to Altair charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa

from engine.reporting.paper_figures import (
    MEASURES,
    pruning_curve,
)


def pulled_curve(table: pd.DataFrame, step: int) -> alt.LayerChart:
    """Figure 7 with a rule to pull: it follows the pointer, and selects on release.

    Args:
        table: rows of a curve with step, fraction (0 to 1) and the measures in percent.
        step: where the rule stands now.

    Returns:
        A chart whose selection `drag` holds the step pulled to.
    """
    # The rule's place travels as data: selections alone would forget it when the slider moves.
    rows = table.assign(cut=step)
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
    pulled, stored = "vlSelectionTest('drag_store', datum)", "datum.step == datum.cut"
    here = f"length(data('press_store')) ? {pulled} : {stored}"
    standing = alt.Chart(rows).transform_calculate(here=here)
    x = alt.X("fraction:Q", axis=alt.Axis(format="%"), title="Channels pruned (%)")
    only_here = alt.condition("datum.here", alt.value(1), alt.value(0))
    rule = standing.mark_rule(size=3, color="#7a8189").encode(
        x=x, opacity=only_here, tooltip=alt.value(None)
    )
    handle = standing.mark_point(shape="circle", filled=True, size=220, color="#7a8189").encode(
        x=x, y=alt.datum(0), opacity=only_here, tooltip=alt.value(None)
    )
    values = alt.layer(
        *(
            standing.mark_point(filled=True, size=90, color=colour, opacity=1).encode(
                x=x, y=f"{measure}:Q", opacity=only_here
            )
            for measure, (_, colour) in MEASURES.items()
        )
    )
    catcher = (
        alt.Chart(rows)
        .mark_point(opacity=0, size=1, cursor="ew-resize")
        .encode(x=x, tooltip=alt.value(None))
        .add_params(press, drag)
    )
    layered: alt.LayerChart = pruning_curve(table) + rule + handle + values + catcher
    return layered


def moved(spec: Mapping[str, Any], step: int) -> dict[str, Any]:
    """The specification of a `pulled_curve` (see `caches.spec`), its rule at another step."""
    return {**spec, "datasets": {name: _cut(rows, step) for name, rows in spec["datasets"].items()}}


def _cut(rows: pa.Table, step: int) -> pa.Table:
    """A table whose column "cut", if it has one, is `step` everywhere."""
    if "cut" not in rows.column_names:
        return rows
    steps = pa.array(np.full(len(rows), step))
    return rows.set_column(rows.column_names.index("cut"), "cut", steps)
