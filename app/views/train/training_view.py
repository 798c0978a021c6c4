"""The tab that trains: the visitor's own trainings live, or the form for a new one."""

from __future__ import annotations

import streamlit as st

from app.elements import job_panel
from app.frame import read_only
from app.views.train import live_view, training_form
from engine.core import jobs
from engine.core.jobs import Job

# Jobs with a damaged request have no kind: they are listed here, so that they can be dismissed.
KINDS = ("train", "")


def show() -> None:
    """Show the tab."""
    if read_only.is_explained():
        return
    own = [job for job in job_panel.own_jobs() if job.request.kind in KINDS]
    others = [job for job in jobs.all_jobs() if job.request.kind in KINDS and job not in own]
    if own:
        first = _choose_first(own)
        live_view.show(first)
        for job in own:
            if job != first:
                job_panel.show(job)
        if any(job.status().alive for job in own):
            _offer_another()
    for job in others:
        job_panel.show_line(job)
    if not own or st.session_state.get(training_form.ANOTHER):
        training_form.show()
    _show_unfinished([job for job in others if job_panel.is_unfinished(job)])


def _choose_first(own: list[Job]) -> Job:
    """The training to watch: the running one, which was started before those that wait."""
    alive = [job for job in own if job.status().alive]
    return alive[-1] if alive else own[0]


def _offer_another() -> None:
    st.toggle(
        "Set up another training",
        key=training_form.ANOTHER,
        help="It waits until this one has finished.",
    )


def _show_unfinished(unfinished: list[Job]) -> None:
    """Trainings that nobody watches and that can resume."""
    if unfinished:
        with st.expander(f"Unfinished trainings ({len(unfinished)})", icon=":material/pause:"):
            for job in unfinished:
                job_panel.show(job)
