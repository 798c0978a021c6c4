"""Controls that run repairs as a job."""

from __future__ import annotations

import streamlit as st

from app.elements import accuracy_warning, job_panel
from engine.core import jobs
from engine.core.parameters import format_value
from engine.defenses.repairs import RECOMMENDED, REPAIRS, compared_repairs
from engine.defenses.repairs.accuracy_budget import DEFAULT_BUDGET
from engine.defenses.repairs.repair import BudgetedRepair
from engine.store import StoredModel


def offer_repairs(model: StoredModel, confidence: float) -> None:
    """Controls to run repairs as a job, one after another."""
    chosen = st.multiselect(
        "Repairs to try",
        list(compared_repairs()),
        default=[RECOMMENDED],
        format_func=lambda name: REPAIRS[name].title,
        key="repairs-to-try",
        persist_state="session",
        help="On two cores, all of them take about ten minutes, the recommended one a minute and a"
        " half. The job continues when you leave this page.",
    )
    for name in chosen:
        st.markdown(f"- **{REPAIRS[name].title}:** {REPAIRS[name].summary}")
    points = st.number_input(
        "Clean accuracy may drop by (points)",
        min_value=0.0,
        max_value=100.0,
        value=DEFAULT_BUDGET.points,
        step=0.5,
        width=300,
        help=BudgetedRepair.parameters()["max_accuracy_drop"].help,
        key="repairs-tolerated",
    )
    settings = f"max_accuracy_drop={format_value(points)},confidence={format_value(confidence)}"
    methods = [part for name in chosen for part in ("--method", f"{name}:{settings}")]
    job_name = jobs.name_of("compare-repairs", model.name)
    confirmed = accuracy_warning.confirmed(model.card)
    job_panel.start_button(
        "Try them" if len(chosen) > 1 else "Try it",
        job_name,
        ["compare-repairs", model.name, *methods, *(confirmed or [])],
        "Each starts from the model in use. Rows appear in the table as repairs finish.",
        disabled=not chosen or confirmed is None,
    )
    job_panel.watch(job_name)
