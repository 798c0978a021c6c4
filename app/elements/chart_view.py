"""A chart on the page, with a menu to save its picture and data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from engine.reporting import export


def show(
    chart: export.Chart, data: pd.DataFrame, name: str, alternative: str, **options: Any
) -> Any:
    """Show a chart over the full width, with its picture and data to save.

    Args:
        chart: what to show.
        data: the numbers behind it.
        name: of the saved files, and key of the element on the page.
        alternative: text alternative.
        options: of `st.altair_chart`, such as ``on_select``.

    Returns:
        What `st.altair_chart` returns.
    """
    with st.container(key=f"chart-{name}"):
        result = st.altair_chart(chart, width="stretch", alt=alternative, key=name, **options)
        _offer_to_save(lambda: chart, data, name)
    return result


def show_spec(
    spec: Mapping[str, Any],
    draw: Callable[[], export.Chart],
    data: pd.DataFrame,
    name: str,
    alternative: str,
    **options: Any,
) -> Any:
    """Like `show`, for a chart whose specification is cached already (`caches.charts.chart_spec`).

    Altair takes a tenth of a second or more to validate a layered chart, which is too slow for one
    that follows a slider. `draw` makes the chart itself, for saving.
    """
    with st.container(key=f"chart-{name}"):
        result = st.vega_lite_chart(
            spec=dict(spec), width="stretch", alt=alternative, key=name, **options
        )
        _offer_to_save(draw, data, name)
    return result


def with_rows(spec: Mapping[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    """A cached specification with other rows; all layers of the chart must share one table."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    return {**spec, "datasets": dict.fromkeys(spec["datasets"], table)}


def _offer_to_save(draw: Callable[[], export.Chart], data: pd.DataFrame, name: str) -> None:
    # It stands in the chart's lower right corner: see `header`.
    with (
        st.container(key=f"corner-{name}"),
        st.popover("Save", icon=":material/download:", type="tertiary", key=f"save-{name}"),
    ):
        _offer("Picture (SVG)", f"{name}.svg", "image/svg+xml", lambda: export.svg(draw()))
        _offer("Picture (PNG)", f"{name}.png", "image/png", lambda: export.png(draw()))
        _offer("Data (CSV)", f"{name}.csv", "text/csv", lambda: export.csv(data))


def _offer(label: str, file_name: str, kind: str, content: Callable[[], bytes]) -> None:
    # The content is made on the click, so that nobody waits for a picture they do not want.
    st.download_button(
        label, content, file_name, kind, key=f"download-{file_name}", on_click="ignore"
    )
