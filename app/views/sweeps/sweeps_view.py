"""The page Sweeps: results of one sweep, and a form for another."""

from __future__ import annotations

import streamlit as st

from app.elements import job_panel, tabs
from app.frame import read_only
from app.views.sweeps import launch, results_view
from app.views.sweeps.tabs_shown import NEW, RESULTS, SWEEP, TAB
from engine.core import jobs
from engine.experiments.sweeps.results import sweep_names


def show() -> None:
    """The visitor's running sweeps, and the tabs."""
    for job in jobs.all_jobs():
        if job.request.kind == "sweep":
            job_panel.watch(job.name)
    if sweep_names():
        tabs.show({RESULTS: _show_results, NEW: _show_form}, TAB)
        return
    st.info(
        "A sweep trains a network for every combination of some settings (seeds, attacks, rates)"
        " and collects what it measures in one table. There is none yet: start one here, or with"
        " `python -m engine sweep FILE.yaml`.",
        icon=":material/grid_view:",
    )
    _show_form()


def _show_results() -> None:
    names = sweep_names()
    chosen = st.selectbox("Sweep", names, key=SWEEP, bind="query-params", width=320)
    results_view.show(chosen)


def _show_form() -> None:
    if not read_only.is_explained():
        launch.show()
