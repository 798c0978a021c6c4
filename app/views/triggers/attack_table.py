"""Each attack on the same network, and which of them survive each defence."""

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

OTHER_DATASETS = ("gtsrb", "signs", "cifar10")  # their comparisons are shown as well

_POISONED: dict[str, Any] = {
    "title": "Attack",
    **scores.columns(psnr="%.1f", ssim="%.3f"),
    "rate": st.column_config.NumberColumn("Poisoned", format="percent"),
    "labels": st.column_config.TextColumn(
        "Labels",
        help="Dirty-label: images of other classes get the target's label. Clean-label: only images"
        " of the target class are poisoned, and every label stays correct.",
    ),
    **scores.columns(
        clean_accuracy="%.2f",
        clean_cost="%.2f",
        attack_success="%.2f",
        recovered_accuracy="%.2f",
    ),
}


def show(dataset: str) -> None:
    """All comparisons, that of `dataset` first; if it has none, a button to make it."""
    try:
        short_name(dataset)
    except UserError:
        st.info("To compare attacks on these images, give their folder a name with a letter.")
        return
    candidates = dict.fromkeys((dataset, *OTHER_DATASETS))
    compared = [name for name in candidates if attack_tables.has_tables(name)]
    if dataset not in compared:
        _offer_comparison(dataset, others_shown=bool(compared))
    if compared:
        _show_comparison(compared)


@failures.fragment
def _show_comparison(datasets: list[str]) -> None:
    """The comparison on one of `datasets`."""
    dataset = st.segmented_control(
        "Measured on",
        datasets,
        default=datasets[0],
        required=True,
        key=f"attacked-of-{short_name(datasets[0])}",
        bind="query-params",
        help="The dataset on which the networks were trained and tested.",
    )
    tables = attack_tables.find_tables(dataset)
    if tables is None:
        return  # deleted a moment ago
    poisoned, defended = tables
    _show_attacks(poisoned, attack_tables.read_longer_trainings(dataset, poisoned))
    _show_defences(defended, dataset)
    _offer_networks(poisoned, dataset)


def _offer_networks(poisoned: pd.DataFrame, dataset: str) -> None:
    """A link to the Overview of one of the networks compared."""
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
        # In a tab of its own, so that the reader keeps this page.
        st.link_button(
            "Open its Overview in a new tab",
            f"./?{header.MODEL}={chosen}",
            icon=":material/open_in_new:",
        )


def _offer_comparison(dataset: str, others_shown: bool) -> None:
    """Say that there is no comparison yet, with a button that starts it as a job."""
    name_shown = markdown.escape(dataset)
    message = f"The attacks have not been compared on {name_shown} yet."
    if others_shown:
        message += " The results below are for other datasets."
    st.info(message, icon=":material/table_chart:")
    arguments = ["benchmark-attacks", dataset, "--repair", "spectral-unlearning"]
    name = jobs.name_of("benchmark-attacks", short_name(dataset))
    with st.expander(f"Compare the attacks on {name_shown}", expanded=not others_shown):
        job_panel.start_button(
            "Compare the attacks",
            name,
            arguments,
            "Trains a network with each attack, one after another: a few hours on two cores. It can"
            " be stopped and resumed.",
            disabled=not available(dataset),
        )
        st.caption("The same from a terminal:")
        st.code(command_line.command(*arguments), language=None, wrap_lines=True)
    job_panel.watch(name)


@failures.fragment
def _show_attacks(compared: pd.DataFrame, longer: pd.DataFrame | None) -> None:
    table = compared
    if longer is not None and "epochs" in compared:
        labels = {
            "all": f"{_epochs(compared)} (all attacks)",
            "some": f"{_epochs(longer)} (some attacks)",
        }
        training = st.segmented_control(
            "Length of the training",
            list(labels),
            default="all",
            required=True,
            format_func=lambda key: labels[key],
            key="attacked-training",
            bind="query-params",
            help="Some attacks need more epochs than others to succeed.",
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
        st.caption(
            f"The defences below were tried on the networks trained for {_epochs(compared)}."
        )


def _epochs(table: pd.DataFrame) -> str:
    return " or ".join(f"{number:g}" for number in sorted(table["epochs"].unique())) + " epochs"


@failures.fragment
def _show_defences(defended: pd.DataFrame, dataset: str) -> None:
    st.subheader("Which attacks survive each defence")
    st.markdown(
        "**Look for cells near 100 in attack success:** there the backdoor survived. Then switch to"
        " recovered accuracy: where it is near 0, triggered images are still misclassified. Empty"
        " cells were not measured. Hover over a cell, or tap it, for all its figures."
    )
    metric = st.segmented_control(
        "Metric",
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
            attack_map.heat_map(measured, metric),
            measured,
            f"attacks-{dataset.replace(':', '-')}",
            f"{SCORES[metric].label} of each attack after each defence, in percent of test images",
        )
