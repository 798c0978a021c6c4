"""Charts of repairs and of backdoor detection."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from engine.defenses.detectors.spectral_inversion import FLAG_MARGIN
from engine.evaluation.metrics import CEILING
from engine.reporting.metric_style import NEUTRAL, SCORES, STYLES, TRIGGERED, MetricStyle
from engine.reporting.paper_figures import colour_by_metric, known_in, to_long

ROW = 26  # pixels
NAMES_WIDTH = 200  # pixels
ROW_STEP = 34  # pixels from one repair to the next


def rank_repairs(
    table: pd.DataFrame,
    chosen: str,
    styles: Mapping[str, MetricStyle] = SCORES,
) -> alt.LayerChart | alt.FacetChart:
    """The three metrics of every repair as bars, one row each, to click on.

    Args:
        table: see `repair_tables.rank`, in the order to draw. The ceiling of recovered accuracy is
            marked in every row where it is known.
        chosen: title of the row in focus; the others are paler.
        styles: of the metrics; see `metric_style.scores_of`.

    Returns:
        A chart whose selection `clicked` holds the title clicked on.
    """
    order = list(table["title"])
    clicked = alt.selection_point("clicked", fields=["title"], on="click", clear=False)
    names = _names("title", order, NAMES_WIDTH)
    long, shown = to_long(table, ["title"], styles), known_in(table, styles)
    labels = [style.label for style in shown.values()]
    bars = alt.Chart(long).encode(
        x=alt.X("value:Q", scale=alt.Scale(domain=[0, 100]), title="Share of test images (%)"),
        y=names,
        yOffset=alt.YOffset("metric:N", sort=labels, scale=alt.Scale(paddingInner=0.15)),
        color=colour_by_metric(shown),
        opacity=alt.condition(alt.datum.title == chosen, alt.value(1), alt.value(0.55)),
        tooltip=[
            alt.Tooltip("title:N", title="Repair"),
            alt.Tooltip("metric:N", title="Metric"),
            alt.Tooltip("value:Q", title="Images (%)", format=".2f"),
        ],
    )
    best = table.reindex(columns=["title", *CEILING]).dropna()
    ticks = (
        alt.Chart(best)
        .mark_tick(color=NEUTRAL, thickness=2, size=ROW * 0.8)
        .encode(
            x="ceiling:Q",
            y=names,
            tooltip=[
                alt.Tooltip(f"{name}:Q", title=STYLES[name].heading, format=".1f")
                for name in CEILING
            ],
        )
    )
    # The full width of a row reacts to the pointer, also where its bars are short.
    rows = alt.Chart(table[["title"]]).mark_bar(opacity=0, cursor="pointer", height=ROW)
    area = rows.encode(y=names, x=alt.datum(0), x2=alt.datum(100)).add_params(clicked)
    layers = [bars.mark_bar(cursor="pointer"), *([ticks] if len(best) else []), area]
    return alt.layer(*layers).properties(height=ROW_STEP * len(table))


def perturbation_psnr(evidence: pd.DataFrame, shown: int = 10) -> alt.LayerChart:
    """The classes reached by the faintest patterns; the flagged one in the trigger's colour.

    A rule marks the distance from the median at which a class is flagged.

    Args:
        evidence: see `Detection.evidence`.
        shown: how many classes.
    """
    fainter = evidence.assign(fainter=evidence["psnr_db"] - evidence["psnr_db"].median())
    fainter = fainter.head(shown)
    domain = [min(0.0, *fainter["fainter"]), max(10.0, *fainter["fainter"])]
    bars = (
        alt.Chart(fainter)
        .mark_bar()
        .encode(
            x=alt.X(
                "fainter:Q",
                title="Fainter than the median class (dB)",
                scale=alt.Scale(domain=domain),
            ),
            y=_names("name", list(evidence["name"]), 220),
            color=alt.condition("datum.flagged", alt.value(TRIGGERED), alt.value(NEUTRAL)),
            tooltip=[
                alt.Tooltip("name:N", title="Class"),
                alt.Tooltip("psnr_db:Q", title="Faintest pattern (PSNR, dB)", format=".1f"),
                alt.Tooltip("fainter:Q", title="Fainter than the median (dB)", format=".1f"),
            ],
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"fainter": [FLAG_MARGIN]}))
        .mark_rule(strokeDash=[5, 4], color=NEUTRAL, size=2)
        .encode(x="fainter:Q")
    )
    layered: alt.LayerChart = bars + rule
    return layered.properties(height=ROW * min(shown, len(evidence)))


def amplification(table: pd.DataFrame) -> alt.Chart:
    """How far the Lipschitz bound of each channel lies above its layer's mean.

    Args:
        table: rows with layer, channel and above (standard deviations).
    """
    return (
        alt.Chart(table)
        .mark_point(filled=True, size=45, opacity=0.7, color=NEUTRAL)
        .encode(
            x=alt.X(
                "layer:N",
                sort=list(dict.fromkeys(table["layer"])),
                title="Convolution",
                axis=alt.Axis(labelAngle=0),
            ),
            xOffset=alt.XOffset("channel:Q"),
            y=alt.Y("above:Q", title="Above the layer's mean (standard deviations)"),
            tooltip=[
                alt.Tooltip("layer:N", title="Convolution"),
                alt.Tooltip("channel:O", title="Channel"),
                alt.Tooltip("above:Q", title="Above the mean", format=".2f"),
            ],
        )
        .properties(height=320)
    )


def _names(column: str, order: list[str], limit: int, grid: bool = False) -> alt.Y:
    """A vertical axis of names, all of them shown, at most `limit` pixels wide."""
    axis = alt.Axis(labelLimit=limit, ticks=False, grid=grid, labelOverlap=False)
    return alt.Y(f"{column}:N", sort=order, title=None, axis=axis)
