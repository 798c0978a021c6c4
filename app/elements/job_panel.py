"""Start, watch and stop a background job from a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from app.frame import failures
from engine.cli.terminal import duration
from engine.core import atomic_files, jobs, markdown
from engine.core.jobs import Job, Status

REFRESH_SECONDS = 0.7

_ICONS = {
    "interrupted": ":material/power_off:",
    "stopped": ":material/pause_circle:",
    "failed": ":material/error:",
    "finished": ":material/check_circle:",
}


def draw_nothing(status: Status) -> None:
    """Draw nothing; the default for `watch`."""


def start_button(
    label: str, name: str, arguments: Sequence[str], help: str, disabled: bool = False
) -> None:
    """A button that starts a job; disabled while the job is running."""
    job = jobs.job_named(name)
    alive = job.folder.exists() and job.status().alive
    if st.button(label, key=f"start-{name}", type="primary", help=help, disabled=alive or disabled):
        jobs.start(name, arguments)
        st.rerun()


def start_with_file(
    name: str, content: bytes, file_name: str, arguments: Callable[[str], list[str]]
) -> None:
    """Start a job on an uploaded file, which is stored in the job's folder.

    Args:
        name: of the job.
        content: the file's bytes.
        file_name: the name of the uploaded file; unsafe characters are replaced.
        arguments: makes the job's command line from the path of the stored file.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", Path(file_name).name)[-80:]
    path = jobs.job_named(name).folder / "upload" / plain
    with atomic_files.new_file(path) as aside:
        aside.write_bytes(content)
    jobs.start(name, arguments(str(path)))


def watch(name: str, figures: Callable[[Status], None] = draw_nothing) -> None:
    """A panel with the live progress of a job, and buttons to stop, resume or dismiss it.

    Args:
        name: of the job; without such a job nothing is shown.
        figures: draws the job's results so far.
    """
    job = jobs.job_named(name)
    if not job.folder.exists():
        return
    watched = job.status()

    @failures.fragment(run_every=REFRESH_SECONDS if watched.alive else None)
    def panel() -> None:
        status = job.status()
        if watched.alive and not status.alive:
            st.rerun()
        with st.container(border=True):
            _describe(job, status)
            figures(status)
            _buttons(job, status)

    panel()


def _describe(job: Job, status: Status) -> None:
    if status.alive:
        st.progress(status.share, _message(status))
        return
    sentence = {
        "interrupted": status.message,
        "stopped": status.message or "Stopped. Everything done so far is kept.",
        "failed": status.error,
        "finished": "Done.",
    }[status.state]
    name = markdown.escape(job.name)
    st.markdown(f"{_ICONS[status.state]} **{name}**: {markdown.escape(sentence)}")


def _message(status: Status) -> str:
    parts = [status.message]
    if "images_per_second" in status.figures:
        parts.append(f"{status.figures['images_per_second']:.0f} images/s")
    if "seconds_left" in status.figures:
        parts.append(f"{duration(status.figures['seconds_left'])} left")
    return markdown.escape(" · ".join(parts))


def _buttons(job: Job, status: Status) -> None:
    with st.container(horizontal=True):
        if status.alive:
            stopping = job.stop_requested()
            label = "Stopping" if stopping else "Stop"
            if st.button(label, key=f"stop-{job.name}", disabled=stopping, icon=":material/stop:"):
                job.stop()
                st.rerun(scope="fragment")
            return
        if status.state != "finished" and st.button(
            "Resume", key=f"resume-{job.name}", icon=":material/play_arrow:"
        ):
            job.resume()
            st.rerun()
        if st.button("Dismiss", key=f"dismiss-{job.name}", icon=":material/close:"):
            job.discard()
            st.rerun()
    if status.state == "failed" and job.log():
        with st.expander("Output of the job"):
            st.code(job.log(), language=None)
