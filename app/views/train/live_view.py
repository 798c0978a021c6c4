"""A training while it runs, and what came of it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.elements import job_panel, scores
from app.frame import failures, header
from app.frame.pages import PAGES
from app.views.models import training_curves
from app.views.train import watched_sign
from engine.cli.terminal import duration
from engine.core import markdown
from engine.core.errors import UserError
from engine.core.jobs import Job, Status
from engine.training.interim_metrics import INTERIM_IMAGES
from engine.training.presets import PRESETS

_COLUMNS = ["epoch", "loss", "clean_accuracy", "attack_success"]


def show(job: Job) -> None:
    """The training: its progress or its outcome, then the watched sign and the curves."""
    job_panel.follow(job, lambda status: _draw(job, status))


def _show_outcome(job: Job) -> None:
    """The scores of the model that a finished job stored, and where to go with it."""
    name = job_panel.option(job, "--name")
    try:
        model = caches.models.model(name)
    except UserError as error:
        st.info(markdown.escape(error))
    else:
        scores.show(model.card.scores["test"], model)
    with st.container(horizontal=True):
        used = st.session_state.get(header.MODEL) == name
        known = name in caches.models.model_names()
        st.button(
            "In use" if used else "Use this model",
            key=f"use-{job.name}",
            disabled=used or not known,
            icon=":material/check:",
            on_click=_use,
            args=(name,),
        )
        if st.button(
            "See it on Overview",
            key=f"see-{job.name}",
            type="primary",
            disabled=not known,
            icon=":material/home:",
            on_click=_use,
            args=(name,),
        ):
            st.switch_page(PAGES["overview"].script)


def _draw(job: Job, status: Status) -> None:
    if status.alive:
        _show_progress(job, status)
    elif status.state == "finished":
        _show_finished(job)
    else:
        job_panel.describe(job, status)
        job_panel.buttons(job, status)
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        watched_sign.show(status)
    with right:
        _show_curves(job, status)
        st.caption(
            f"Measured on {INTERIM_IMAGES} validation images, clean and triggered. A network often"
            " learns the clean images first and then, quite suddenly, the trigger."
        )


def _show_curves(job: Job, status: Status) -> None:
    """The metrics so far; empty charts before the first measurement, so that nothing jumps."""
    measured = status.table("interim_metrics", _COLUMNS)
    table = pd.DataFrame(columns=_COLUMNS, dtype=float) if measured is None else measured
    when = f"so far, on {INTERIM_IMAGES} validation images"
    training_curves.show(table, job.name, when, _expected_epochs(job))


def _show_progress(job: Job, status: Status) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{markdown.escape(_model_of(job))}**", width="content")
        st.progress(status.share, markdown.escape(status.message), width=420)
        pace = status.figures.get("images_per_second")
        left = status.figures.get("seconds_left")
        st.markdown(
            f"{'–' if pace is None else f'{pace:,.0f}'} images/s ·"
            f" {'–' if left is None else duration(left)} left",
            width="content",
        )
        job_panel.buttons(job, status)


def _show_finished(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/check_circle: **{markdown.escape(_model_of(job))}** is trained.",
            width="content",
        )
        st.button(
            "Train another",
            key=f"dismiss-{job.name}",
            icon=":material/add:",
            type="tertiary",
            on_click=job_panel.dismiss,
            args=(job.name,),
        )
    _show_outcome(job)


def _model_of(job: Job) -> str:
    return job_panel.option(job, "--name") or job.name


def _expected_epochs(job: Job) -> float | None:
    """The number of epochs in the job's command line; None if it cannot be told."""
    given, preset = job_panel.option(job, "--epochs"), job_panel.option(job, "--preset")
    if given.isdecimal() and len(given) < 6:
        return int(given)
    return PRESETS[preset].training.epochs if preset in PRESETS else None


@failures.callback
def _use(name: str) -> None:
    st.session_state[header.MODEL] = name
