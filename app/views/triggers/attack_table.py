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
from engine.defenses.repairs import RECOMMENDED
from engine.evaluation.metrics import CEILING
from engine.experiments import attack_suite, attack_tables
from engine.reporting.metric_style import SCORES

ATTACKS, DEFENCES = "Attacks", "Defences"  # the two views of a comparison
_READ = {  # how to read the map of each metric
    "clean_accuracy": "**Pale cells cost too much:** there the defence ruined clean accuracy.",
    "attack_success": "**Orange cells survived the defence:** there the backdoor still works.",
    "recovered_accuracy": "**Pale cells are no repair:** there triggered images are still"
    " misclassified.",
}
_ROW_HEIGHT = 30  # pixels
_STYLE = (  # on a phone the map scrolls within itself, with room for its numbers
    "<style>.st-key-defences [data-testid=stElementContainer]:has(.vega-embed) {overflow-x: auto}"
    ".st-key-defences .vega-embed {min-width: 840px}</style>"
)
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
        ceiling="%.1f",
        recovered_of_ceiling="%.0f",
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
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.segmented_control(
            "Compare",
            [ATTACKS, DEFENCES],
            default=ATTACKS,
            required=True,
            key="attacked-view",
            bind="query-params",
            help="How visible and how strong the attacks are, or which of them survive a defence.",
        )
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
        if view == ATTACKS:
            shown = _choose_training(
                poisoned, attack_tables.read_longer_trainings(dataset, poisoned)
            )
        else:
            metric = _choose_metric()
    if view == ATTACKS:
        _show_attacks(shown)
        _offer_networks(poisoned, dataset)
    else:
        _show_defences(defended, metric, dataset, _epochs(poisoned))


def _offer_networks(poisoned: pd.DataFrame, dataset: str) -> None:
    """A link to the Overview of one of the networks compared."""
    names = caches.models.model_names()
    attacked_first = poisoned.sort_values("attack", key=lambda by: by == "none", kind="stable")
    offered = {
        name: str(title)
        for attack, title in zip(attacked_first["attack"], attacked_first["title"], strict=True)
        if (name := attack_suite.model_name(dataset, attack)) in names
    }
    if not offered:
        return
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
    arguments = ["benchmark-attacks", dataset, "--repair", RECOMMENDED]
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


def _choose_training(compared: pd.DataFrame, longer: pd.DataFrame | None) -> pd.DataFrame:
    """The table of one of the trainings, if there are two."""
    if longer is None or "epochs" not in compared:
        return compared
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
    return longer if training == "some" else compared


def _show_attacks(table: pd.DataFrame) -> None:
    shown = table.reindex(columns=list(_POISONED))
    measured = shown["ceiling"].notna().any()
    st.dataframe(
        shown if measured else shown.drop(columns=list(CEILING)),
        hide_index=True,
        column_config=_POISONED,
        height="content",
        row_height=_ROW_HEIGHT,
        placeholder="",
    )
    if not measured:
        st.caption("Ceiling of recovered accuracy: not known.")


def _epochs(table: pd.DataFrame) -> str:
    """The length of the training as text; empty if the table does not say."""
    if "epochs" not in table:
        return ""
    return " or ".join(f"{number:g}" for number in sorted(table["epochs"].unique())) + " epochs"


def _choose_metric() -> str:
    metric: str = st.segmented_control(
        "Metric",
        list(SCORES),
        default="attack_success",
        required=True,
        format_func=lambda key: SCORES[key].label,
        key="attacked-figure",
        bind="query-params",
    )
    return metric


def _show_defences(defended: pd.DataFrame, metric: str, dataset: str, epochs: str) -> None:
    measured = defended[defended["attack"] != "none"]
    measured = measured[measured["problem"].fillna("") == ""]
    st.markdown(_READ[metric])
    with st.container(key="defences"):
        st.html(_STYLE)
        chart_view.show(
            attack_map.heat_map(measured, metric),
            measured,
            f"attacks-{dataset.replace(':', '-')}",
            f"{SCORES[metric].label} of each attack after each defence, in percent of test images",
        )
    trained = f"The networks were trained for {epochs}. " if epochs else ""
    st.caption(f"{trained}Empty cells were not measured. Hover over a cell for all its figures.")
