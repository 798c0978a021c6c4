"""The tab that compares the scores of several models."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.charts import model_charts
from app.elements import chart_view, scores
from app.frame import header
from engine import store
from engine.core.errors import UserError
from engine.evaluation.metrics import CEILING, METRICS, measured
from engine.experiments import recovery_ceiling
from engine.store import StoredModel, summary

MOST = 6  # models at a time


def show() -> None:
    """A chart and a table of the models chosen; at first, some on the dataset of that in use."""
    titles = caches.models.model_titles()
    first = st.session_state[header.MODEL]
    chosen = st.multiselect(
        "Models to compare",
        list(titles),
        default=_choose_first(list(titles), first),
        format_func=lambda name: titles.get(name, name),
        max_selections=MOST,
        key="compared",
        persist_state="session",
    )
    rows = []
    for name in chosen:
        try:
            model = caches.models.model(name)
        except UserError:
            continue
        rows.append(
            {"model": titles[name], "purpose": summary.purpose(model.card), **_known(model)}
        )
    if not rows:
        st.info("Choose at least one model.")
        return
    table = pd.DataFrame(rows)
    chart_view.show(
        model_charts.models_compared(table),
        table,
        "models-compared",
        "Clean accuracy and, where a trigger is known, attack success and recovered accuracy of"
        " each model on test images.",
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "model": "Model",
            "purpose": "Purpose",
            **scores.columns(**dict.fromkeys((*METRICS, *CEILING), "%.2f")),
        },
        placeholder="not known",
    )


def _known(model: StoredModel) -> dict[str, float]:
    """The metrics of a model and, where it has a trigger, the ceiling of recovered accuracy."""
    scored = model.card.scores["test"]
    known = {metric: scored[metric] for metric in measured(scored)}
    if not model.card.knows_trigger:
        return known
    ceiling = caches.repairs.recovery_ceiling(model)
    return known | recovery_ceiling.columns(known["recovered_accuracy"], ceiling)


def _choose_first(names: list[str], first: str) -> list[str]:
    """The model in use and two others of its dataset, as far as there are any."""
    datasets = {stored.name: stored.card.dataset for stored in store.readable_models()}
    same_dataset_first = sorted(names, key=lambda name: datasets.get(name) != datasets.get(first))
    return sorted(same_dataset_first, key=lambda name: name != first)[:3]
