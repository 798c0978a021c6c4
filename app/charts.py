"""Charts that only the dashboard draws: pure functions from data to `alt.Chart`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa

from engine.imaging.dct import region
from engine.reporting.paper_figures import (
    CLEAN,
    MEASURES,
    TRIGGERED,
    activation_bars,
    pruning_curve,
)


def spectrum(values: np.ndarray, bands: list[tuple[int, int]], top: float) -> alt.LayerChart:
    """A heat map of DCT coefficients, log scale, the trigger's bands framed.

    Args:
        values: [height, width], sizes of coefficients, none negative.
        bands: (row, column) of those to frame; those outside the map are left out.
        top: upper end of the colour scale, so that several maps can share it.
    """
    height, width = values.shape
    rows, columns = np.indices(values.shape)
    table = pd.DataFrame(
        {
            "row": rows.ravel(),
            "column": columns.ravel(),
            "size": values.ravel(),
            "log": np.log10(1 + values.ravel()),
            "region": [
                region(int(row), int(column), height)
                for row, column in zip(rows.ravel(), columns.ravel(), strict=True)
            ],
        }
    )
    ticks = alt.Axis(values=[0, height // 2 - 1, height - 1], labelAngle=0)
    x = alt.X("column:O", title="Horizontal frequency (band)", axis=ticks)
    y = alt.Y("row:O", title="Vertical frequency (band)", axis=ticks)
    cells = (
        alt.Chart(table)
        .mark_rect()
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "log:Q",
                title="log10(1 + size)",
                scale=alt.Scale(scheme="viridis", domain=[0, float(np.log10(1 + top))]),
                legend=alt.Legend(orient="bottom", gradientLength=180),
            ),
            tooltip=[
                alt.Tooltip("row:O", title="Row"),
                alt.Tooltip("column:O", title="Column"),
                alt.Tooltip("region:N", title="Region"),
                alt.Tooltip("size:Q", title="Size of the coefficient", format=".2f"),
            ],
        )
    )
    inside = [band for band in bands if band[0] < height and band[1] < width]
    frames = (
        alt.Chart(pd.DataFrame(inside, columns=["row", "column"]))
        .mark_rect(filled=False, stroke=TRIGGERED, strokeWidth=2.5)
        .encode(x=x, y=y)
    )
    layered: alt.LayerChart = cells + frames + _borders(height, width, x, y)
    return layered.properties(height=440)


def moved(spec: Mapping[str, Any], step: int) -> dict[str, Any]:
    """The specification of a `pulled_curve` (see `caches.spec`), its rule at another step."""
    return {**spec, "datasets": {name: _cut(rows, step) for name, rows in spec["datasets"].items()}}


def _cut(rows: pa.Table, step: int) -> pa.Table:
    """A table whose column "cut", if it has one, is `step` everywhere."""
    if "cut" not in rows.column_names:
        return rows
    steps = pa.array(np.full(len(rows), step))
    return rows.set_column(rows.column_names.index("cut"), "cut", steps)


def _borders(height: int, width: int, x: alt.X, y: alt.Y) -> alt.LayerChart:
    """Where mid and high frequencies begin, named along the upper edge."""
    names = pd.DataFrame(
        {
            "row": 0,
            "column": [width // 6, width // 2, 5 * width // 6],
            "name": ["low", "mid", "high"],
        }
    )
    edges = [-(-height // 3), -(-2 * height // 3)]
    corners = pd.DataFrame(
        [
            {"row": row, "column": column}
            for edge in edges
            for row, column in [
                *((row, edge) for row in range(edge + 1)),
                *((edge, column) for column in range(edge)),
            ]
        ]
    )
    dots = alt.Chart(corners).mark_point(filled=True, size=5, color="white", opacity=0.8)
    words = alt.Chart(names).mark_text(color="white", fontWeight="bold", fontSize=11, dy=2)
    both: alt.LayerChart = dots.encode(x=x, y=y) + words.encode(x=x, y=y, text="name:N")
    return both


def radial_profile(clean: np.ndarray, triggered: np.ndarray, rings: list[int]) -> alt.LayerChart:
    """Mean size of the coefficients against their distance from the corner.

    Args:
        clean, triggered: float [n], see `dct.radial_profile`.
        rings: distances of the trigger's bands, marked with rules.
    """
    parts = {"Clean": clean, "Triggered": triggered}
    table = pd.concat(
        pd.DataFrame({"distance": range(len(values)), "size": values, "what": what})
        for what, values in parts.items()
    )
    lines = (
        alt.Chart(table)
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("distance:Q", title="Distance from the upper left corner (bands)"),
            y=alt.Y(
                "size:Q",
                title="Mean size of the coefficients (grey levels, log)",
                scale=alt.Scale(type="log"),
            ),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=list(parts), range=[CLEAN, TRIGGERED]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("what:N", title="Images"),
                alt.Tooltip("distance:Q", title="Distance (bands)"),
                alt.Tooltip("size:Q", format=".2f", title="Mean size"),
            ],
        )
    )
    rules = (
        alt.Chart(pd.DataFrame({"distance": rings}))
        .mark_rule(color="#7a8189", strokeDash=[5, 4])
        .encode(x="distance:Q")
    )
    layered: alt.LayerChart = rules + lines
    return layered.properties(height=300)


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


def channel_bars(
    table: pd.DataFrame, measure: str, order: list[int], top: float, falls: pd.Series | None
) -> alt.LayerChart | alt.FacetChart:
    """Figures 5 and 6 to click on, with the order of pruning drawn over the bars.

    Args:
        table, measure, order, top: as for `paper_figures.activation_bars`.
        falls: channel -> as which one it is pruned, from 1; None draws no order.

    Returns:
        A chart whose selection `clicked` holds the channel clicked on.
    """
    clicked = alt.selection_point("clicked", fields=["channel"], on="click", clear=False)
    rows = pd.DataFrame({"place": range(len(order)), "channel": order})
    rows = rows.merge(table[["channel", "clean_mean", "triggered_mean"]], on="channel")
    told = [
        alt.Tooltip("channel:O", title="Channel"),
        alt.Tooltip("clean_mean:Q", format=".4f", title="Mean on clean images"),
        alt.Tooltip("triggered_mean:Q", format=".4f", title="Mean on triggered images"),
    ]
    layers = [activation_bars(table, measure, order, top)]
    if falls is not None:
        rows["falls"] = rows["channel"].map(falls)
        told.append(alt.Tooltip("falls:Q", title="Pruned as number"))
        points = alt.Chart(rows).mark_point(filled=True, size=18, color="#7a8189", opacity=1)
        axis = alt.Axis(orient="right")
        falling = alt.Y("falls:Q", title="Pruned as number (grey)", axis=axis)
        layers.append(points.encode(x="place:O", y=falling))
    # Bars are thin: the whole column above and below one answers to the pointer.
    columns = alt.Chart(rows).mark_rect(opacity=0, cursor="pointer")
    layers.append(columns.encode(x="place:O", tooltip=told).add_params(clicked))
    return alt.layer(*layers).resolve_scale(y="independent")


def history(table: pd.DataFrame) -> alt.Chart:
    """Clean accuracy and attack success on validation after each epoch."""
    labels = {
        "clean_accuracy": "Clean accuracy",
        "attack_success": "Attack success",
    }
    long = table.melt("epoch", list(labels), var_name="what")
    long["what"] = long["what"].map(labels)
    return (
        alt.Chart(long)
        .mark_line(point=True, strokeWidth=2.5)
        .encode(
            x=alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("value:Q", title="Validation images (%)", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=list(labels.values()), range=[CLEAN, TRIGGERED]),
                legend=alt.Legend(orient="top", columns=1, labelLimit=400),
            ),
            tooltip=[
                alt.Tooltip("what:N", title="Measure"),
                alt.Tooltip("epoch:Q", title="Epoch"),
                alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
            ],
        )
        .properties(height=340)
    )


def losses(table: pd.DataFrame) -> alt.Chart:
    """Training loss, mean over the images of an epoch.

    Args:
        table: rows with epoch and loss.
    """
    return (
        alt.Chart(table)
        .mark_line(point={"color": "#7a8189"}, strokeWidth=2.5, color="#7a8189")
        .encode(
            x=alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("loss:Q", title="Training loss (cross-entropy, nats)"),
            tooltip=[
                alt.Tooltip("epoch:Q", title="Epoch"),
                alt.Tooltip("loss:Q", title="Loss", format=".4f"),
            ],
        )
        .properties(height=340)
    )


def change_by_layer(table: pd.DataFrame, layer: str) -> alt.Chart:
    """How far the trigger moves each layer.

    Args:
        table: see `activations.change_by_layer`.
        layer: the one looked at, in the trigger's colour.
    """
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X(
                "layer:N", sort=list(table["layer"]), title="Layer", axis=alt.Axis(labelAngle=-45)
            ),
            y=alt.Y("moved:Q", title="Change of the channels' means (%)"),
            color=alt.condition(
                alt.datum.layer == layer, alt.value(TRIGGERED), alt.value("#7a8189")
            ),
            tooltip=[
                alt.Tooltip("layer:N", title="Layer"),
                alt.Tooltip("moved:Q", title="Change (%)", format=".1f"),
            ],
        )
        .properties(height=340)
    )
