"""Compare repairs, try them, look at their predictions, save a repaired copy."""

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

CONFIDENCES = {DEFAULT_BUDGET.confidence: "As measured", 95.0: "95 %"}


def choose_confidence(model: StoredModel) -> float:
    """A control for the confidence, in percent, that clean accuracy drops no further than allowed.

    Offered are the usual values and those of repairs already tried.
    """
    tried = {method.confidence for method in _find_methods(caches.repairs(model)) if method}
    chosen: float = st.segmented_control(
        "Confidence in the accuracy limit",
        sorted({*CONFIDENCES, *tried}),
        default=DEFAULT_BUDGET.confidence,
        required=True,
        format_func=lambda confidence: CONFIDENCES.get(confidence, f"{confidence:g} %"),
        help=BudgetedRepair.parameters()["confidence"].help,
        key="repairs-confidence",
        bind="query-params",
    )
    return chosen


def _find_methods(table: pd.DataFrame) -> list[BudgetedRepair | None]:
    """The repair of each row; None if its strength is not chosen by an accuracy limit."""
    found = map(repair_tables.method_of, table.to_dict("records"))
    return [method if isinstance(method, BudgetedRepair) else None for method in found]


def _select_confidence(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The rows of that confidence, left out of their titles, and the rows without any."""
    methods = _find_methods(table)
    titles = [
        repair_tables.describe(method, {"confidence"}) if method else title
        for method, title in zip(methods, table["title"], strict=True)
    ]
    selected = [method is None or method.confidence == confidence for method in methods]
    return table.assign(title=titles)[selected]


def compare(model: StoredModel, confidence: float) -> None:
    """A chart and a table of the unrepaired model, the paper's pruning, and the repairs tried.

    Args:
        model: the model in use.
        confidence: of the repairs shown, percent.
    """
    table = _select_confidence(caches.repairs(model), confidence)
    if "repair" not in set(table["kind"]):
        st.info("No repair has been tried on this model at this confidence: try one below.")
    drawn = table[table["problem"] == ""]
    chart_view.show(
        repair_charts.compare_repairs(drawn),
        drawn,
        "repairs-compared",
        "Clean accuracy, attack success and recovered accuracy on test images of "
        + ", ".join(drawn["title"]),
    )
    _show_table(table)
    st.caption(
        "Each repair gets only the network and clean validation images. Unless its title says"
        " otherwise, it has the greatest strength at which validation accuracy drops by at most"
        f" {DEFAULT_BUDGET.points:g} percentage point; what is learned from one half of the images"
        " is checked on the other. All figures come from held-out test images."
    )


def _show_table(table: pd.DataFrame) -> None:
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
        alt="The same metrics as a table, with what each repair did and needs",
        column_config={
            "title": st.column_config.TextColumn("Repair", pinned=True),
            **scores.columns(**dict.fromkeys(METRICS, "%.2f"), der="%.3f"),
            "channels": st.column_config.NumberColumn("Channels pruned"),
            "seconds": st.column_config.NumberColumn("Seconds", format="%.0f"),
            "needs": "Clean images needed",
            "summary": "What was done",
            "problem": "Why it failed",
        },
    )


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
    job_panel.start_button(
        "Try them" if len(chosen) > 1 else "Try it",
        job_name,
        ["compare-repairs", model.name, *methods],
        "Each starts from the model in use. Rows appear in the table as repairs finish.",
        disabled=not chosen,
    )
    job_panel.watch(job_name)


def show_before_and_after(
    model: StoredModel, dataset: str, repaired: dict[str, StoredModel]
) -> None:
    """The predictions for an image, clean and triggered, before and after a repair.

    Args:
        model: the model in use.
        dataset: whose test images.
        repaired: its repaired copies by method.
    """
    card = model.card
    name = st.segmented_control(
        "Repaired by",
        list(repaired),
        default=RECOMMENDED if RECOMMENDED in repaired else next(iter(repaired)),
        required=True,
        format_func=lambda method: REPAIRS[method].title if method in REPAIRS else method,
        key=f"repaired-by-{model.name}",
    )
    _describe_repair(repaired[name].card.repair)
    chosen = image_chooser.choose(card, dataset)
    if chosen is None:
        return
    with st.container(horizontal=True, gap="medium"):
        for kind, picture in zip(
            ("Clean", "Triggered"), caches.pair(chosen, card.trigger), strict=True
        ):
            before, after = (
                caches.network(stored).probabilities(picture[np.newaxis])[0]
                for stored in (model, repaired[name])
            )
            caption = f"{kind}: {chosen.name}"
            with st.container(width=340):
                st.image(
                    caches.enlarged_url(chosen, card.trigger if kind == "Triggered" else ""),
                    caption=markdown.escape(caption),
                    alt=caption,
                    width="stretch",
                )
                st.markdown(
                    f"**Before:** {predictions.describe(before, chosen.label, card)}\n\n"
                    f"**After:** {predictions.describe(after, chosen.label, card)}"
                )
                predictions.show(after, chosen.label, card)


def _describe_repair(repair: Mapping[str, Any]) -> None:
    """What was done and with which settings, as far as the card says."""
    settings = f"Settings: {markdown.code(repair['settings'])}" if "settings" in repair else ""
    st.caption(f"{markdown.escape(repair.get('summary', ''))} {settings}".strip())


def offer_to_save(model: StoredModel, repaired: dict[str, StoredModel]) -> None:
    """Controls to save a repaired copy as a model, and to download it."""
    with st.form("save-repaired", border=False):
        method = st.selectbox(
            "Repaired copy",
            list(repaired),
            format_func=lambda name: REPAIRS[name].title if name in REPAIRS else name,
        )
        name = st.text_input("Name of the new model", f"{model.name}-repaired")
        sent = st.form_submit_button("Save as a model")
    if sent and method is not None:
        try:
            saved = store.copy_as(repaired[method], name)
        except UserError as error:
            st.error(markdown.escape(error), icon=":material/error:")
        else:
            st.success(f"Saved as {markdown.code(saved.name)}: select it under *Model in use*.")
    if method is not None:
        st.download_button(
            "Download the network (Keras)",
            (repaired[method].folder / "model.keras").read_bytes,
            f"{model.name}-{method}.keras",
            "application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
        )


def show_persistence(model: StoredModel, repaired: StoredModel | None) -> None:
    """Whether the trigger survives image processing, and the backdoor comes back after a repair."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Does the trigger survive JPEG?")
        _show_study(
            model,
            "robustness",
            "robustness",
            {"transform": "Image processing"},
            "Test the trigger",
            "Saves, compresses and resizes all test images; takes two minutes.",
        )
    with right:
        st.subheader("Does the backdoor come back?")
        if repaired is None:
            st.info("There is no repaired copy to test yet: try the recommended repair above.")
            return
        _show_study(
            repaired,
            "reactivation",
            "reactivate",
            {"epochs": st.column_config.NumberColumn("Epochs on clean images")},
            "Continue training",
            "Trains the repaired network further, on clean images; takes two minutes.",
        )


def _show_study(
    stored: StoredModel, table_name: str, command: str, first: dict[str, Any], label: str, help: str
) -> None:
    """The table of a study, or a button to run it.

    Args:
        stored: the model studied.
        table_name: of the table in the model's folder.
        command: the subcommand that computes it.
        first: the heading of the table's first column.
        label, help: of the button.
    """
    table = caches.table(stored, table_name)
    if table is not None:
        measured = scores.columns(**dict.fromkeys(METRICS, "%.2f"))
        st.dataframe(table, hide_index=True, column_config={**first, **measured})
        return
    st.info("Not measured yet.")
    job_name = jobs.name_of(command, stored.name)
    if stored.name in caches.model_names() and image_chooser.images_available(stored.card.dataset):
        job_panel.start_button(label, job_name, [command, stored.name], help)
        job_panel.watch(job_name)
    elif stored.name not in caches.model_names():
        st.caption("Save the repaired copy as a model above, then select it to measure this.")
