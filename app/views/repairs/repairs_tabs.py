"""The page Repairs: the ranking, and behind it one tab a question."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import caches
from app.elements import tabs
from app.forms import image_chooser
from app.frame import address, failures
from app.views.repairs import (
    confidence,
    figures,
    persistence,
    ranking,
    save_repaired,
    try_repairs,
)
from engine.defenses.repairs import RECOMMENDED
from engine.experiments import repair_tables
from engine.store import StoredModel


def show(model: StoredModel, dataset: str) -> None:
    """The tabs; only the open one is drawn."""
    address.hold(confidence.CONFIDENCE)
    tabs.show(
        {
            "Ranking": partial(_show_ranking, model, dataset),
            "Try a repair": partial(_try, model),
            "All figures": partial(_show_figures, model),
            "Does it last?": partial(_show_persistence, model),
            "Save": partial(_save, model),
        },
        "repairs-tab",
    )


@failures.fragment  # another repair or image reruns only this part of the page
def _show_ranking(model: StoredModel, dataset: str) -> None:
    left, right = st.columns([6, 5], gap="large")
    with left:
        chosen = confidence.choose_confidence(model)
        table = repair_tables.select_confidence(caches.repairs.compared(model), chosen)
        if "repair" not in set(table["kind"]):
            st.info("No repair has been tried on this model at this confidence: try one here.")
            _offer(model, chosen)
    ranked = repair_tables.rank(table)
    with right:
        title = ranking.choose(ranked)
        ranking.show_details(model, dataset, ranked[ranked["title"] == title].iloc[0], table)
    with left:
        ranking.show_chart(model, ranked, title)


def _try(model: StoredModel) -> None:
    _offer(model, confidence.choose_confidence(model))


def _offer(model: StoredModel, chosen: float) -> None:
    if image_chooser.images_available(model.card.dataset):
        try_repairs.offer_repairs(model, chosen)
    else:
        image_chooser.offer_download(model.card.dataset)


def _show_figures(model: StoredModel) -> None:
    chosen = confidence.choose_confidence(model)
    table = repair_tables.select_confidence(caches.repairs.compared(model), chosen)
    figures.show_figures(model, table)


def _show_persistence(model: StoredModel) -> None:
    if model.card.knows_trigger:
        persistence.show_persistence(model, caches.repairs.repaired_copies(model).get(RECOMMENDED))
    else:
        st.info(
            "Whether a backdoor survives image processing or comes back after a repair can only be"
            " measured with a trigger: name a suspected one above."
        )


def _save(model: StoredModel) -> None:
    repaired = caches.repairs.repaired_copies(model)
    if repaired:
        with failures.contained():  # a name may be taken
            save_repaired.offer_to_save(model, repaired)
    else:
        st.info("There is no repaired copy of this model yet: try a repair first.")
