"""The second step: the network's file, and what was found out about it."""

from __future__ import annotations

import streamlit as st

from app.elements import job_panel
from app.frame import failures
from app.views.own_model import examinations, findings, sample_download
from engine.core import jobs, markdown
from engine.core.jobs import Job, Status

TYPES = ["keras", "h5", "hdf5", "onnx", "zip"]


def show(dataset: str | None) -> None:
    """The upload control; a file is examined at once.

    Args:
        dataset: whose images the file is tried on; None while they are missing.
    """
    st.header("2. Your network")
    file = st.file_uploader(
        "Network file",
        type=TYPES,
        key=examinations.uploader_key(),
        disabled=dataset is None,
        help="Keras (.keras, .h5), ONNX (.onnx), or a SavedModel as .zip. It is opened in a"
        " separate process with limited memory and time, and deleted after the import.",
    )
    if dataset is not None:
        if file is not None:
            examinations.take(dataset, file)
        examinations.take_again(dataset)
    examinations.remember()
    sample_download.offer()


def show_outcome() -> bool:
    """What came of the file: progress, a refusal, or the findings; whether there is any."""
    importing = findings.importing()
    if importing is not None:
        job_panel.follow(importing, lambda status: _show_import(importing, status))
        return True
    job = examinations.current()
    if job is not None:
        job_panel.follow(job, lambda status: _show_examination(job, status))
    elif sentence := examinations.refusal():
        st.header("This file cannot be used")
        st.error(markdown.escape(sentence), icon=":material/error:")
        st.markdown("Nothing of the file was kept on this computer.")
    return job is not None or bool(examinations.refusal())


def show_others() -> None:
    """A line for each import of another visitor that is running."""
    shown = (*job_panel.own_jobs(), examinations.current())
    for job in jobs.all_jobs():
        if job.request.kind == "import" and job not in shown:
            job_panel.show_line(job)


def _show_examination(job: Job, status: Status) -> None:
    if status.state == "failed":
        examinations.refuse(status.error)
        st.rerun()
    if status.state == "finished":
        findings.show(job)
        return
    st.header("Looking at the network")
    with st.container(border=True):
        job_panel.describe(job, status)
        with st.container(horizontal=True):
            job_panel.buttons(job, status)


def _show_import(job: Job, status: Status) -> None:
    if status.state == "finished":
        findings.finish(job)
        st.rerun()
    st.header("Importing")
    with st.container(border=True), failures.contained():
        job_panel.describe(job, status)
        job_panel.buttons(job, status)
