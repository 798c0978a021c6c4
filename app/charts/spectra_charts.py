"""Charts of the page Spectra: pure functions from data to Altair charts."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from engine.imaging.dct import region
from engine.reporting.paper_figures import (
    CLEAN,
    TRIGGERED,
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
