"""The page Sweeps: results of one sweep, and a form for another."""

from __future__ import annotations

import streamlit as st

from app.elements import job_panel, tabs
from app.frame import read_only
from app.views.sweeps import launch, results_view
from engine.core import jobs
from engine.experiments.sweeps.results import sweep_names

SWEEP = "sweep"
TAB = "sweeps-tab"


def show() -> None:
    """The visitor's own sweep until it is dismissed; else the tabs."""
    own = [job for job in job_panel.own_jobs() if job.request.kind == "sweep"]
    for job in jobs.all_jobs():
        if job.request.kind == "sweep":
            job_panel.watch(job.name)
    if own:
        results_view.show(job_panel.option(own[0], "--name"))
        if not own[0].status().alive:
            st.caption("Dismiss it to see all sweeps and the form for another one.")
        return
    if sweep_names():
        tabs.show({"Results": _show_results, "New sweep": _show_form}, TAB)
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
