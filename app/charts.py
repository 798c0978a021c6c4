"""Charts that only the dashboard draws: pure functions from data to `alt.Chart`."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from engine.figures import CLEAN, MEASURES, TRIGGERED, activation_bars, pruning_curve


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
    layered: alt.LayerChart = cells + frames
    return layered.properties(height=440)


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
        table, measure, order, top: as for `figures.activation_bars`.
        falls: channel -> as which one it is pruned, from 1; None draws no order.

    Returns:
        A chart whose selection `channel` holds the channel clicked on.
    """
    clicked = alt.selection_point("channel", fields=["channel"], on="click", clear=False)
    bars = activation_bars(table, measure, order, top).add_params(clicked)
    if falls is None:
        return alt.layer(bars)
    rows = pd.DataFrame({"place": range(len(order)), "channel": order})
    rows["falls"] = rows["channel"].map(falls)
    points = (
        alt.Chart(rows)
        .mark_point(filled=True, size=18, color="#7a8189", opacity=1)
        .encode(
            x="place:O",
            y=alt.Y("falls:Q", title="Pruned as number (grey)", axis=alt.Axis(orient="right")),
            tooltip=[
                alt.Tooltip("channel:O", title="Channel"),
                alt.Tooltip("falls:Q", title="Pruned as number"),
            ],
        )
    )
    return alt.layer(bars, points).resolve_scale(y="independent")


def history(table: pd.DataFrame) -> alt.Chart:
    """Clean accuracy and attack success on validation after each epoch."""
    labels = {
        "clean_accuracy": "Clean images read right",
        "attack_success": "Triggered images read as the target",
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
        .mark_line(point=True, strokeWidth=2.5, color="#7a8189")
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
