"""Repairs side by side, tried, looked at on images, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import caches
from app.charts import repair_charts
from app.elements import chart_view, job_panel, predictions, scores
from app.forms import image_chooser
from engine import store
from engine.core import jobs, markdown
from engine.core.errors import UserError
from engine.core.parameters import format_value
from engine.defenses.repairs import RECOMMENDED, REPAIRS, compared_repairs
from engine.defenses.repairs.accuracy_budget import DEFAULT_BUDGET
from engine.defenses.repairs.repair import BudgetedRepair
from engine.evaluation.metrics import METRICS
from engine.experiments import repair_tables
from engine.store import StoredModel

SURE = {DEFAULT_BUDGET.confidence: "As measured", 95.0: "95 % sure"}


def how_sure(model: StoredModel) -> float:
    """How sure a repair is to be that clean accuracy drops no further: confidence in percent."""
    tried = {method.confidence for method in _methods(caches.repairs(model)) if method}
    chosen: float = st.segmented_control(
        "How sure that clean accuracy drops no further than is tolerated?",
        sorted({*SURE, *tried}),
        default=DEFAULT_BUDGET.confidence,
        required=True,
        format_func=lambda confidence: SURE.get(confidence, f"{confidence:g} % sure"),
        help=BudgetedRepair.parameters()["confidence"].help,
        key="repairs-confidence",
        bind="query-params",
    )
    return chosen


def _methods(table: pd.DataFrame) -> list[BudgetedRepair | None]:
    """The repair of each row; None where it is not one whose strength our rule decides."""
    found = map(repair_tables.method_of, table.to_dict("records"))
    return [method if isinstance(method, BudgetedRepair) else None for method in found]


def _as_surely(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The rows of that confidence, which their titles need not tell then, and those without."""
    methods = _methods(table)
    titles = [
        repair_tables.describe(method, {"confidence"}) if method else title
        for method, title in zip(methods, table["title"], strict=True)
    ]
    kept = [method is None or method.confidence == confidence for method in methods]
    return table.assign(title=titles)[kept]


def side_by_side(model: StoredModel, confidence: float) -> None:
    """A chart and a table of the model as it is, the paper's pruning, and the repairs tried.

    Args:
        model: the model in use.
        confidence: of the repairs shown, percent.
    """
    table = _as_surely(caches.repairs(model), confidence)
    if "repair" not in set(table["kind"]):
        st.info("No repair has been tried on this model at this setting: try one below.")
    drawn = table[table["problem"] == ""]
    chart_view.show(
        repair_charts.compare_repairs(drawn),
        drawn,
        "repairs-compared",
        "Clean accuracy, attack success and recovered accuracy on test images of "
        + ", ".join(drawn["title"]),
    )
    st.dataframe(
        table[
            [
                *("title", "clean_accuracy", "attack_success", "recovered_accuracy", "der"),
                *("channels", "seconds", "needs", "summary", "problem"),
            ]
        ],
        hide_index=True,
        height="content",
        placeholder="",
        alt="The same figures as a table, with what each repair did and needs",
        column_config={
            "title": st.column_config.TextColumn("Repair", pinned=True),
            **scores.columns(**dict.fromkeys(METRICS, "%.2f"), der="%.3f"),
            "channels": st.column_config.NumberColumn("Channels off"),
            "seconds": st.column_config.NumberColumn("Seconds", format="%.0f"),
            "needs": "Clean images it needs",
            "summary": "What was done",
            "problem": "Why it could not be",
        },
    )
    st.caption(
        "Every repair is handed clean validation images and the network, nothing else. Its"
        " strength is the strongest whose accuracy drops by a point at most, where a title says"
        " nothing else, each half of the images judging what was learned from the other; test"
        " images, and triggered ones, only report."
    )


def offer_to_try(model: StoredModel, confidence: float) -> None:
    """Choose repairs and run them in a worker, one after the other."""
    chosen = st.multiselect(
        "Repairs to try",
        list(compared_repairs()),
        default=[RECOMMENDED],
        format_func=lambda name: REPAIRS[name].title,
        key="repairs-to-try",
        persist_state="session",
        help="All of them take about ten minutes on two cores, the recommended one a minute and"
        " a half. It goes on when you leave this page.",
    )
    for name in chosen:
        st.markdown(f"- **{REPAIRS[name].title}:** {REPAIRS[name].summary}")
    points = st.number_input(
        "Clean accuracy may drop by (percentage points)",
        min_value=0.0,
        max_value=100.0,
        value=DEFAULT_BUDGET.points,
        step=0.5,
        width=300,
        help=BudgetedRepair.parameters()["max_accuracy_drop"].help,
        key="repairs-tolerated",
    )
    settings = f"max_accuracy_drop={format_value(points)},confidence={format_value(confidence)}"
    words = [word for name in chosen for word in ("--method", f"{name}:{settings}")]
    job_name = jobs.name_of("compare-repairs", model.name)
    job_panel.start_button(
        "Try them" if len(chosen) > 1 else "Try it",
        job_name,
        ["compare-repairs", model.name, *words],
        "Each on the model as it is; rows appear in the table as they are done.",
        disabled=not chosen,
    )
    job_panel.watch(job_name)


def before_and_after(model: StoredModel, dataset: str, made: dict[str, StoredModel]) -> None:
    """Triggered images as the network reads them before and after a repair.

    Args:
        model: the model in use.
        dataset: whose test images.
        made: its repaired copies by method.
    """
    card = model.card
    name = st.segmented_control(
        "Repaired by",
        list(made),
        default=RECOMMENDED if RECOMMENDED in made else next(iter(made)),
        required=True,
        format_func=lambda method: REPAIRS[method].title if method in REPAIRS else method,
        key=f"repaired-by-{model.name}",
    )
    _how(made[name].card.repair)
    chosen = image_chooser.choose(card, dataset)
    with st.container(horizontal=True, gap="medium"):
        for kind, picture in zip(("Clean", "Triggered"), chosen.pair(card.trigger), strict=True):
            before, after = (
                caches.network(stored).probabilities(picture[np.newaxis])[0]
                for stored in (model, made[name])
            )
            caption = f"{kind}: {chosen.name}"
            with st.container(width=340):
                st.image(
                    caches.enlarged(dataset, chosen.size, chosen.index, card.trigger, kind),
                    caption=markdown.escape(caption),
                    alt=caption,
                    width="stretch",
                )
                st.markdown(
                    f"**Before:** {predictions.describe(before, chosen.label, card)}\n\n"
                    f"**After:** {predictions.describe(after, chosen.label, card)}"
                )
                predictions.show(after, chosen.label, card)


def _how(repair: Mapping[str, Any]) -> None:
    """What was done and with which settings, as far as the card says so."""
    settings = f"Settings: {markdown.code(repair['settings'])}" if "settings" in repair else ""
    st.caption(f"{markdown.escape(repair.get('summary', ''))} {settings}".strip())


def offer_to_keep(model: StoredModel, made: dict[str, StoredModel]) -> None:
    """Keep a repaired copy as a model of its own, and download it."""
    with st.form("keep-repaired", border=False):
        method = st.selectbox(
            "Repaired copy",
            list(made),
            format_func=lambda name: REPAIRS[name].title if name in REPAIRS else name,
        )
        name = st.text_input("Name of the new model", f"{model.name}-repaired")
        sent = st.form_submit_button("Keep it as a model")
    if sent and method is not None:
        try:
            kept = store.copy_as(made[method], name)
        except UserError as error:
            st.error(markdown.escape(error), icon=":material/error:")
        else:
            st.success(f"Kept as {markdown.code(kept.name)}: choose it above, on any page.")
    if method is not None:
        st.download_button(
            "Download the network (Keras)",
            (made[method].folder / "model.keras").read_bytes,
            f"{model.name}-{method}.keras",
            "application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
        )


def lasting(model: StoredModel, repaired: StoredModel | None) -> None:
    """Whether the backdoor survives processing, and comes back after a repair."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Does the trigger survive JPEG?")
        _study(
            model,
            "robustness",
            "robustness",
            {"transform": "What happens to the picture"},
            "Test them",
            "Saves, compresses and resizes all test images; two minutes.",
        )
    with right:
        st.subheader("Does the backdoor come back?")
        if repaired is None:
            st.info("Repair the model first: there is nothing yet that could come back.")
            return
        _study(
            repaired,
            "reactivation",
            "reactivate",
            {"epochs": st.column_config.NumberColumn("Epochs on clean images")},
            "Train it on",
            "Trains the repaired network on, on clean images; two minutes.",
        )


def _study(
    stored: StoredModel, table_name: str, command: str, first: dict[str, Any], label: str, help: str
) -> None:
    table = caches.table(stored, table_name)
    if table is not None:
        measured = scores.columns(**dict.fromkeys(METRICS, "%.2f"))
        st.dataframe(table, hide_index=True, column_config={**first, **measured})
        return
    st.info("Not measured yet.")
    job_name = jobs.name_of(command, stored.name)
    if stored.name in caches.model_names() and image_chooser.at_hand(stored.card.dataset):
        job_panel.start_button(label, job_name, [command, stored.name], help)
        job_panel.watch(job_name)
    elif stored.name not in caches.model_names():
        st.caption("Keep the repaired copy as a model above, then choose it to measure this.")
