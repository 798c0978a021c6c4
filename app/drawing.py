"""A chart on the page, and ways to keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from engine import export


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
    with (
        st.container(horizontal=True, horizontal_alignment="right"),
        st.popover("Save", icon=":material/download:", type="tertiary", key=f"save-{name}"),
    ):
        _offer("Picture (SVG)", f"{name}.svg", "image/svg+xml", lambda: export.svg(drawn))
        _offer("Picture (PNG)", f"{name}.png", "image/png", lambda: export.png(drawn))
        _offer("Data (CSV)", f"{name}.csv", "text/csv", lambda: export.csv(data))
    return result


def _offer(label: str, file_name: str, kind: str, content: Callable[[], bytes]) -> None:
    # The content is made on the click: nobody waits for a picture nobody wants.
    st.download_button(
        label, content, file_name, kind, key=f"download-{file_name}", on_click="ignore"
    )
