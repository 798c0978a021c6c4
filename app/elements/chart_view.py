"""A chart on the page, and ways to keep it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from engine.reporting import export


def chart(
    drawn: export.Chart, data: pd.DataFrame, name: str, alternative: str, **options: Any
) -> Any:
    """Draw `drawn` over the full width, with its picture and data to save.

    Args:
        drawn: the chart.
        data: what it shows, for those who want the numbers.
        name: of the files it is saved as, and of the element on the page.
        alternative: text for those who cannot see it.
        options: of `st.altair_chart`, such as ``on_select``.

    Returns:
        What `st.altair_chart` gives.
    """
    result = st.altair_chart(drawn, width="stretch", alt=alternative, key=name, **options)
    _offer_to_save(lambda: drawn, data, name)
    return result


def remembered(
    spec: Mapping[str, Any],
    draw: Callable[[], export.Chart],
    data: pd.DataFrame,
    name: str,
    alternative: str,
    **options: Any,
) -> Any:
    """As `chart`, for a chart whose specification is known already (`caches.spec`).

    Altair takes a tenth of a second and more to check a layered chart: too long for one that
    follows a slider. `draw` gives the chart itself, for saving.
    """
    result = st.vega_lite_chart(
        spec=dict(spec), width="stretch", alt=alternative, key=name, **options
    )
    _offer_to_save(draw, data, name)
    return result


def _offer_to_save(draw: Callable[[], export.Chart], data: pd.DataFrame, name: str) -> None:
    with (
        st.container(horizontal=True, horizontal_alignment="right"),
        st.popover("Save", icon=":material/download:", type="tertiary", key=f"save-{name}"),
    ):
        _offer("Picture (SVG)", f"{name}.svg", "image/svg+xml", lambda: export.svg(draw()))
        _offer("Picture (PNG)", f"{name}.png", "image/png", lambda: export.png(draw()))
        _offer("Data (CSV)", f"{name}.csv", "text/csv", lambda: export.csv(data))


def _offer(label: str, file_name: str, kind: str, content: Callable[[], bytes]) -> None:
    # The content is made on the click: nobody waits for a picture nobody wants.
    st.download_button(
        label, content, file_name, kind, key=f"download-{file_name}", on_click="ignore"
    )
