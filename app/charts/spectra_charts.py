"""Charts of the Spectra page."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from engine.imaging.dct import region
from engine.reporting.metric_style import CLEAN, NEUTRAL, TRIGGERED

HEIGHT = 320


def spectrum(
    values: np.ndarray,
    bands: list[tuple[int, int]],
    top: float,
    images: int = 0,
    with_legend: bool = True,
) -> alt.LayerChart:
    """A heat map of DCT coefficients on a log scale, with the trigger's bands framed.

    Args:
        values: [height, width], magnitudes of coefficients.
        bands: (row, column) of those to frame; bands outside the map are ignored.
        top: upper end of the colour scale, so that several maps can share it.
        images: how many the values are means of; 0 if they are not of images.
        with_legend: whether to draw the colour scale below.
    """
    height, width = values.shape
    ticks = alt.Axis(values=[0, height // 2 - 1, height - 1], labelAngle=0)
    x = alt.X("column:O", title="Horizontal (band)", axis=ticks)
    y = alt.Y("row:O", title="Vertical (band)", axis=ticks)
    inside = [band for band in bands if band[0] < height and band[1] < width]
    frames = (
        alt.Chart(pd.DataFrame(inside, columns=["row", "column"]))
        .mark_rect(filled=False, stroke=TRIGGERED, strokeWidth=2.5)
        .encode(x=x, y=y)
    )
    cells = _cells(values, top, images, with_legend).encode(x=x, y=y)
    layered: alt.LayerChart = cells + frames + _regions(height, width, x, y)
    return layered.properties(height=HEIGHT)


def radial_profile(
    profiles: Mapping[str, np.ndarray], rings: list[int], images: int
) -> alt.LayerChart:
    """Mean magnitude of the coefficients against their distance from band (0, 0).

    Args:
        profiles: of "clean" and, where a trigger is known, of "triggered" images: float [n], see
            `dct.radial_profile`.
        rings: distances of the trigger's bands, marked with rules.
        images: how many the magnitudes are means of.
    """
    parts = {kind.capitalize(): values for kind, values in profiles.items()}
    table = pd.concat(
        pd.DataFrame({"distance": range(len(values)), "magnitude": values, "kind": name})
        for name, values in parts.items()
    )
    lines = alt.Chart(table.assign(n=images)).mark_line(strokeWidth=2.5)
    lines = lines.encode(
        x=alt.X("distance:Q", title="Distance (bands)"),
        y=alt.Y(
            "magnitude:Q",
            title="Mean magnitude (grey levels, log)",
            scale=alt.Scale(type="log"),
        ),
        color=alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=list(parts), range=[CLEAN, TRIGGERED][: len(parts)]),
            legend=alt.Legend(orient="top"),
        ),
        tooltip=[
            alt.Tooltip("kind:N", title="Images"),
            alt.Tooltip("n:Q", title="Number of images (n)", format=","),
            alt.Tooltip("distance:Q", title="Distance (bands)"),
            alt.Tooltip("magnitude:Q", format=".2f", title="Mean magnitude"),
        ],
    )
    rules = (
        alt.Chart(pd.DataFrame({"distance": rings}))
        .mark_rule(color=NEUTRAL, strokeDash=[5, 4])
        .encode(x="distance:Q")
    )
    layered: alt.LayerChart = rules + lines
    return layered.properties(height=HEIGHT)


def _cells(values: np.ndarray, top: float, images: int, with_legend: bool) -> alt.Chart:
    """One square per coefficient."""
    rows, columns = (axis.ravel() for axis in np.indices(values.shape))
    table = pd.DataFrame(
        {
            "row": rows,
            "column": columns,
            "magnitude": values.ravel(),
            "log": np.log10(1 + values.ravel()),
            "region": [
                region(int(row), int(column), values.shape[0])
                for row, column in zip(rows, columns, strict=True)
            ],
        }
    )
    color = alt.Color(
        "log:Q",
        title="log10(1 + magnitude)",
        scale=alt.Scale(scheme="viridis", domain=[0, float(np.log10(1 + top))]),
        legend=alt.Legend(orient="bottom", gradientLength=180) if with_legend else None,
    )
    tooltip = [
        alt.Tooltip("row:O", title="Row"),
        alt.Tooltip("column:O", title="Column"),
        alt.Tooltip("region:N", title="Region"),
        alt.Tooltip("magnitude:Q", title="Magnitude of the coefficient", format=".2f"),
    ]
    if images:
        table["images"] = images
        tooltip.append(alt.Tooltip("images:Q", title="Images (n)", format=","))
    return alt.Chart(table).mark_rect().encode(color=color, tooltip=tooltip)


def _regions(height: int, width: int, x: alt.X, y: alt.Y) -> alt.LayerChart:
    """Where mid and high frequencies begin, with names along the upper edge."""
    names = pd.DataFrame(
        {
            "row": 0,
            "column": [width // 6, width // 2, 5 * width // 6],
            "name": ["low", "mid", "high"],
        }
    )
    edges = [-(-height // 3), -(-2 * height // 3)]
    borders = pd.DataFrame(
        [
            {"row": row, "column": column}
            for edge in edges
            for row, column in [
                *((row, edge) for row in range(edge + 1)),
                *((edge, column) for column in range(edge)),
            ]
        ]
    )
    dots = alt.Chart(borders).mark_point(filled=True, size=5, color="white", opacity=0.8)
    words = alt.Chart(names).mark_text(color="white", fontWeight="bold", fontSize=11, dy=2)
    layered: alt.LayerChart = dots.encode(x=x, y=y) + words.encode(x=x, y=y, text="name:N")
    return layered
