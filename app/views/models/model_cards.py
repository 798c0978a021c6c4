"""Models as cards, which can be deleted and restored, and a comparison of several."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.elements import chart_view, scores
from app.frame import failures, header
from engine import store
from engine.core import markdown, paths
from engine.core.errors import UserError
from engine.evaluation.metrics import METRICS
from engine.experiments import attack_suite
from engine.reporting import paper_figures
from engine.reporting.metric_style import SCORES
from engine.store import ModelCard, StoredModel, trash

WIDTH = 300  # of a card, pixels
_DISMISSED = "deletion-dismissed"


def show(names: list[str]) -> None:
    """A card for each model, the one in use first; those of the attack suite are folded away."""
    _offer_undo()
    used = st.session_state[header.MODEL]
    compared = [name for name in names if attack_suite.is_suite_model(name) and name != used]
    others = [name for name in names if name not in compared]
    _row(sorted(others, key=lambda name: name != used), used)
    if compared:
        with st.expander(
            f"Trained with one attack each, for the comparison on the page Triggers"
            f" ({len(compared)})",
            icon=":material/compare:",
        ):
            _row(compared, used)


def _row(names: list[str], used: str) -> None:
    with st.container(horizontal=True):
        for name in names:
            with st.container(border=True, width=WIDTH, key=f"card-{name}"):
                _card(name, name == used)


def _card(name: str, used: bool) -> None:
    st.markdown(f"**{markdown.escape(name)}**" + (" :blue-badge[in use]" if used else ""))
    try:
        stored = caches.model(name)
    except UserError as error:
        st.caption(f":material/error: {markdown.escape(error)}")
    else:
        with failures.contained():
            st.markdown(_describe(stored))
    with st.container(horizontal=True):
        st.button("Use", key=f"use-{name}", disabled=used, on_click=_use, args=(name,))
        own = (paths.models_folder() / name).is_dir()
        st.button(
            "Delete",
            key=f"delete-{name}",
            icon=":material/delete:",
            type="tertiary",
            disabled=not own,
            on_click=_delete,
            args=(name,),
            help=None if own else "It comes with the program and cannot be deleted.",
        )


def _describe(stored: StoredModel) -> str:
    card = stored.card
    size = sum(file.stat().st_size for file in stored.folder.iterdir() if file.is_file())
    measured = "".join(
        f"{style.label} {card.scores['test'][name]:.1f} {style.unit}  \n"
        for name, style in SCORES.items()
    )
    return (
        f"{markdown.escape(_origin(card))}  \n"
        f"{measured}"
        f"{size / 1e6:.1f} MB, {markdown.escape(card.created[:10])}"
    )


def _origin(card: ModelCard) -> str:
    if card.repair:
        return f"{card.dataset}, repaired from {card.repair['parent']}"
    if "imported_from" in card.training:
        return f"{card.dataset}, imported"
    if not card.poisoned:
        return f"{card.dataset}, clean"
    return f"{card.dataset}, {card.rate:.0%} poisoned with {card.parsed_trigger().title}"


@failures.callback
def _use(name: str) -> None:
    st.session_state[header.MODEL] = name


@failures.callback
def _delete(name: str) -> None:
    trash.delete(name)
    st.session_state.pop(_DISMISSED, None)


@failures.callback
def _undo(name: str) -> None:
    trash.restore(name)


@failures.callback
def _dismiss() -> None:
    st.session_state[_DISMISSED] = True


def _offer_undo() -> None:
    gone = trash.deleted()
    if not gone or st.session_state.get(_DISMISSED):
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            f":material/delete: **{markdown.escape(gone[0])}** was deleted.", width="content"
        )
        st.button("Undo", key="undo-deletion", on_click=_undo, args=(gone[0],))
        st.button("Dismiss", key="dismiss-deletion", type="tertiary", on_click=_dismiss)


def compare(names: list[str], first: str) -> None:
    """A chart and a table of the models chosen; at first, those on the dataset of `first`."""
    datasets = {stored.name: stored.card.dataset for stored in store.readable_models()}
    same_dataset_first = sorted(names, key=lambda name: datasets.get(name) != datasets.get(first))
    chosen = st.multiselect(
        "Models to compare",
        names,
        default=sorted(same_dataset_first, key=lambda name: name != first)[:3],
        max_selections=6,
        key="compared",
        persist_state="session",
    )
    rows = []
    for name in chosen:
        try:
            card = caches.model(name).card
        except UserError:
            continue
        measured = {metric: card.scores["test"][metric] for metric in METRICS}
        rows.append({"model": name, "origin": _origin(card), **measured})
    if not rows:
        st.info("Choose at least one model.")
        return
    table = pd.DataFrame(rows)
    chart_view.show(
        paper_figures.models_compared(table).properties(height=320),
        table,
        "models-compared",
        "Clean accuracy, attack success and recovered accuracy of each model on test images.",
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "model": "Model",
            "origin": "Data and trigger",
            **scores.columns(**dict.fromkeys(METRICS, "%.2f")),
        },
    )
