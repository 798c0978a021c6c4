"""Specifications of charts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import streamlit as st

from engine.reporting import export


@st.cache_data(max_entries=128, show_spinner=False)
def chart_spec(
    key: tuple[str | int | float, ...], _draw: Callable[[], export.Chart]
) -> dict[str, Any]:
    """The specification of the chart that `_draw` draws, cached by `key`.

    Its data are Arrow tables: rows would have to be converted each time the chart is shown.
    """
    found = _draw().to_dict()
    datasets = found.get("datasets", {})
    return {**found, "datasets": {name: pa.Table.from_pylist(datasets[name]) for name in datasets}}
