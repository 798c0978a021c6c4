"""Sweeps as far as they are done."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from engine.experiments.sweeps import figures
from engine.experiments.sweeps.results import PublishedResults, SweepResults
from engine.experiments.sweeps.results import find as find_sweep


class Sweep(NamedTuple):
    """A sweep as far as it is done.

    Attributes:
        cells: how many it has.
        shared: settings that all of them have; see `figures.shared_settings`.
        table: see `SweepResults.table`.
    """

    cells: int
    shared: dict[str, Any]
    table: pd.DataFrame


def sweep(name: str) -> Sweep:
    """The sweep called `name`.

    Raises:
        UserError: its plan is damaged.
    """
    results = find_sweep(name)
    return _sweep(results, str(results.csv), results.changed)


@st.cache_data(max_entries=8, show_spinner=False)
def _sweep(_results: SweepResults | PublishedResults, file: str, changed: int) -> Sweep:
    cells = _results.cells()
    return Sweep(len(cells), figures.shared_settings(cells), _results.table(cells))
