"""A chart on the page."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st


def chart(
    drawn: alt.TopLevelMixin, data: pd.DataFrame, name: str, alternative: str, **options: Any
) -> Any:
    """Draw `drawn` over the full width.

    Args:
        drawn: the chart.
        data: what it shows, for those who want the numbers.
        name: of the files it is saved as, and of the element on the page.
        alternative: text for those who cannot see it.
        options: of `st.altair_chart`, such as ``on_select``.

    Returns:
        What `st.altair_chart` gives.
    """
    del data  # saved with the figure: see issue 4
    return st.altair_chart(drawn, width="stretch", alt=alternative, key=name, **options)
