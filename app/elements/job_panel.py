"""Start, watch and stop a background job from a page.

The panel of a job belongs to the visitor who started it. Others see one line while it runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from app.frame import failures
from engine.cli.terminal import duration
from engine.core import atomic_files, jobs, markdown, read_only
from engine.core.errors import UserError
from engine.core.jobs import Job, Status

REFRESH_SECONDS = 0.7
_OWN = "jobs-started"  # names of the visitor's own jobs, the latest last

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
    """A button that starts a job; disabled while the job is running, and in read-only mode."""
    job = jobs.job_named(name)
    alive = job.folder.exists() and job.status().alive
    blocked = read_only.blocks(arguments[0])
    if st.button(
        label,
        key=f"start-{name}",
        type="primary",
        help=read_only.SENTENCE if blocked else help,
        disabled=alive or disabled or blocked,
    ):
        start(name, arguments)
        st.rerun()


def start(name: str, arguments: Sequence[str]) -> None:
    """Start a job, which then is the visitor's own."""
    jobs.start(name, arguments)
    adopt(name)


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
    start(name, arguments(str(path)))


def own_jobs() -> list[Job]:
    """The visitor's own jobs that were not dismissed, the latest first."""
    names: tuple[str, ...] = st.session_state.get(_OWN, ())
    return [job for job in map(jobs.job_named, reversed(names)) if job.folder.exists()]


def adopt(name: str) -> None:
    """Make a job the visitor's own."""
    others = [own for own in st.session_state.get(_OWN, ()) if own != name]
    st.session_state[_OWN] = (*others, name)


@failures.callback
def dismiss(name: str) -> None:
    """Delete an ended job with its box; without one, nothing happens."""
    job = jobs.job_named(name)
    if job.folder.exists():
        job.discard()
    st.session_state[_OWN] = tuple(own for own in st.session_state.get(_OWN, ()) if own != name)


def watch(name: str, figures: Callable[[Status], None] = draw_nothing) -> None:
    """The visitor's own job as a panel; somebody else's as a line while it runs.

    Args:
        name: of the job; without such a job nothing is shown.
        figures: draws the job's results so far.
    """
    job = jobs.job_named(name)
    if job in own_jobs():
        show(job, figures)
    elif job.folder.exists():
        show_line(job)


def show(job: Job, figures: Callable[[Status], None] = draw_nothing) -> None:
    """A panel with the live progress of a job, and buttons to stop, resume or dismiss it."""

    def draw(status: Status) -> None:
        with st.container(border=True):
            describe(job, status)
            figures(status)
            buttons(job, status)

    follow(job, draw)


def show_line(job: Job) -> None:
    """One line about a running job of somebody else; nothing if it is not running."""

    def draw(status: Status) -> None:
        if not status.alive:
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f":material/hourglass_top: {markdown.escape(job.name)} is running:"
                f" {status.share:.0%} · {_progress(status)}",
                width="content",
            )
            if st.button(
                "Watch",
                key=f"watch-{job.name}",
                type="tertiary",
                help="Shows its progress, with a button to stop it.",
            ):
                adopt(job.name)
                st.rerun()  # the whole page, not only this line

    follow(job, draw)


def follow(job: Job, draw: Callable[[Status], None]) -> None:
    """Call `draw` with the job's status, again and again while it runs.

    When it ends the whole page runs again, because its results may be shown anywhere.
    """
    if not job.status().alive:
        with failures.contained():
            draw(job.status())
        return

    @failures.fragment(run_every=REFRESH_SECONDS)
    def repeat() -> None:
        status = job.status()
        if not status.alive:
            st.rerun()
        draw(status)

    repeat()


def describe(job: Job, status: Status) -> None:
    """A bar with the progress of a running job, or a sentence on how it ended."""
    if status.alive:
        st.progress(status.share, _progress(status))
        return
    sentence = {
        "interrupted": status.message,
        "stopped": status.message or "Stopped. Everything done so far is kept.",
        "failed": status.error,
        "finished": "Done.",
    }[status.state]
    name = markdown.escape(job.name)
    st.markdown(f"{_ICONS[status.state]} **{name}**: {markdown.escape(sentence)}")


def buttons(job: Job, status: Status) -> None:
    """Buttons to stop a running job, or to resume or dismiss one that has ended.

    None in read-only mode, except for jobs that could be started there.
    """
    if read_only.blocks(job.request.kind):
        return
    with st.container(horizontal=True):
        if status.alive:
            stopping = job.stop_requested()
            label = "Stopping" if stopping else "Stop"
            if st.button(label, key=f"stop-{job.name}", disabled=stopping, icon=":material/stop:"):
                job.stop()
                st.rerun(scope="fragment")
            return
        if status.state != "finished":
            st.button(
                "Resume",
                key=f"resume-{job.name}",
                icon=":material/play_arrow:",
                on_click=_resume,
                args=(job.name,),
            )
        st.button(
            "Dismiss",
            key=f"dismiss-{job.name}",
            icon=":material/close:",
            on_click=dismiss,
            args=(job.name,),
        )
    if status.state == "failed" and job.log():
        with st.expander("Output of the job"):
            st.code(job.log(), language=None)


def option(job: Job, name: str) -> str:
    """The value of an option in the job's command line, such as "--name"; empty without it."""
    arguments = job.request.arguments
    try:
        return arguments[arguments.index(name) + 1]
    except (ValueError, IndexError):
        return ""


def is_unfinished(job: Job) -> bool:
    """Whether a job has ended before its work was done, so that it can resume."""
    status = job.status()
    return not status.alive and status.state != "finished"


@failures.callback
def _resume(name: str) -> None:
    job = jobs.job_named(name)
    if not job.folder.exists():
        raise UserError(f"'{name}' was dismissed meanwhile: start it again.")
    job.resume()
    adopt(name)


def _progress(status: Status) -> str:
    parts = [status.message]
    if "images_per_second" in status.figures:
        parts.append(f"{status.figures['images_per_second']:.0f} images/s")
    if "seconds_left" in status.figures:
        parts.append(f"{duration(status.figures['seconds_left'])} left")
    return markdown.escape(" · ".join(parts))
