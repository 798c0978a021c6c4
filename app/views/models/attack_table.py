"""What each attack did to the same network, and what was left of it after each defence."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import caches
from app.charts import attack_map
from app.elements import chart_view, job_panel, scores
from app.frame import failures, header
from engine.core import command_line, jobs, markdown
from engine.core.errors import UserError
from engine.datasets import available, short_name
from engine.experiments import attack_suite, attack_tables
from engine.reporting.metric_style import SCORES

ELSEWHERE = ("gtsrb", "signs", "cifar10")  # whose comparisons are shown besides

_POISONED: dict[str, Any] = {
    "title": "Attack",
    **scores.columns(psnr="%.1f", ssim="%.3f"),
    "rate": st.column_config.NumberColumn("Poisoned", format="percent"),
    "labels": st.column_config.TextColumn(
        "Labels", help="Kept: clean-label attacks, which change no label."
    ),
    **scores.columns(
        clean_accuracy="%.2f",
        clean_cost="%.2f",
        attack_success="%.2f",
        recovered_accuracy="%.2f",
    ),
}


def show(dataset: str) -> None:
    """The comparisons there are, that of `dataset` first; where it has none, how to make it."""
    try:
        short_name(dataset)
    except UserError:
        st.info("To compare attacks on these images, give their folder a name with letters.")
        return
    candidates = dict.fromkeys((dataset, *ELSEWHERE))
    there = [name for name in candidates if attack_tables.has_tables(name)]
    if dataset not in there:
        _offer(dataset, elsewhere=bool(there))
    if there:
        _comparison(there)


@failures.fragment
def _comparison(there: list[str]) -> None:
    """One of those that are there."""
    dataset = st.segmented_control(
        "Measured on",
        there,
        default=there[0],
        required=True,
        key=f"attacked-of-{short_name(there[0])}",
        bind="query-params",
        help="The images that the networks were trained and tested on.",
    )
    tables = attack_tables.find_tables(dataset)
    if tables is None:
        return  # deleted a moment ago
    poisoned, defended = tables
    _poisoned(poisoned, attack_tables.read_longer_trainings(dataset, poisoned))
    _defences(defended, dataset)
    _offer_networks(poisoned, dataset)


def _offer_networks(poisoned: pd.DataFrame, dataset: str) -> None:
    """The way to one of the networks compared, on the page that tells a model's story."""
    names = caches.model_names()
    attacked_first = poisoned.sort_values("attack", key=lambda by: by == "none", kind="stable")
    offered = {
        name: str(title)
        for attack, title in zip(attacked_first["attack"], attacked_first["title"], strict=True)
        if (name := attack_suite.model_name(dataset, attack)) in names
    }
    if not offered:
        return
    st.subheader("See one of these networks")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Network trained with",
            list(offered),
            format_func=offered.__getitem__,
            key="attacked-network",
            width=320,
        )
        # In a tab of its own: here it would take the page from under the reader's eyes.
        st.link_button(
            "Open its Overview in a new tab",
            f"./?{header.MODEL}={chosen}",
            icon=":material/open_in_new:",
        )


def _offer(dataset: str, elsewhere: bool) -> None:
    """Say that there is no comparison yet, and make it in a worker."""
    named = markdown.escape(dataset)
    told = f"No comparison of attacks on {named} has been made yet."
    if elsewhere:
        told += " What follows was measured on other images."
    st.info(told, icon=":material/table_chart:")
    arguments = ["benchmark-attacks", dataset, "--repair", "spectral-unlearning"]
    name = jobs.name_of("benchmark-attacks", short_name(dataset))
    with st.expander(f"Compare the attacks on {named}", expanded=not elsewhere):
        job_panel.start_button(
            "Compare the attacks",
            name,
            arguments,
            "Trains a network with each attack, one after the other: some hours on two cores. When"
            " it is stopped it goes on, later, from where it was.",
            disabled=not available(dataset),
        )
        st.caption("The same from a terminal:")
        st.code(command_line.command(*arguments), language=None, wrap_lines=True)
    job_panel.watch(name)


@failures.fragment
def _poisoned(compared: pd.DataFrame, longer: pd.DataFrame | None) -> None:
    table = compared
    if longer is not None and "epochs" in compared:
        told = {"all": f"{_epochs(compared)}: all", "some": f"{_epochs(longer)}: those tried"}
        training = st.segmented_control(
            "Each network was trained for",
            list(told),
            default="all",
            required=True,
            format_func=lambda key: told[key],
            key="attacked-training",
            bind="query-params",
            help="Some attacks need more time than others until the network obeys.",
        )
        table = longer if training == "some" else compared
    st.dataframe(
        table.reindex(columns=list(_POISONED)),
        hide_index=True,
        column_config=_POISONED,
        height="content",
        placeholder="",
    )
    if "epochs" in compared:
        st.caption(f"What follows was tried on the networks trained for {_epochs(compared)}.")


def _epochs(table: pd.DataFrame) -> str:
    return " or ".join(f"{number:g}" for number in sorted(table["epochs"].unique())) + " epochs"


@failures.fragment
def _defences(defended: pd.DataFrame, dataset: str) -> None:
    st.subheader("What is left after each defence")
    st.markdown(
        "**Look for cells near 100 in attack success:** there the backdoor survived. Then turn to"
        " recovered accuracy: where it is near 0, triggered images are still misread. An empty cell"
        " was not tried; point at any other, or touch it, for its name and all its figures."
    )
    figure = st.segmented_control(
        "Figure",
        list(SCORES),
        default="attack_success",
        required=True,
        format_func=lambda key: SCORES[key].label,
        key="attacked-figure",
        bind="query-params",
        label_visibility="collapsed",
    )
    measured = defended[defended["attack"] != "none"]
    measured = measured[measured["problem"].fillna("") == ""]
    with st.container(key="defences"):
        chart_view.show(
            attack_map.heat_map(measured, figure),
            measured,
            f"attacks-{dataset.replace(':', '-')}",
            f"{SCORES[figure].label} of each attack after each defence, in percent of test images",
        )
