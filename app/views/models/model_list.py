"""The tab with all models, grouped by dataset and purpose: search, use, delete and restore."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app import caches
from app.elements import scan_verdict, scores
from app.frame import failures, header
from engine.core import markdown, paths
from engine.core.errors import UserError
from engine.core.read_only import is_read_only
from engine.datasets import dataset_title
from engine.store import StoredModel, summary, trash

WIDTH = 300  # of a card, pixels
PURPOSES = ("Backdoored", "Clean", "Repaired", "Imported")
_BADGES = {"Backdoored": "orange", "Clean": "blue", "Repaired": "green"}
_DISMISSED = "deletion-dismissed"


@dataclass(frozen=True)
class Entry:
    """A model in the list.

    Attributes:
        name: of its folder.
        title: what the pages call it.
        stored: None if it cannot be read.
        problem: why it cannot be read.
    """

    name: str
    title: str
    stored: StoredModel | None
    problem: str = ""

    @property
    def dataset(self) -> str:
        """The dataset it was trained on; empty if it cannot be read."""
        return self.stored.card.dataset if self.stored else ""

    @property
    def purpose(self) -> str:
        """See `summary.purpose`; empty if it cannot be read."""
        return summary.purpose(self.stored.card) if self.stored else ""

    @property
    def in_suite(self) -> bool:
        """Whether it was trained for the comparison of attacks."""
        return bool(self.stored and self.stored.card.suite)

    def matches(self, words: str, purpose: str | None) -> bool:
        """Whether it has that purpose, if any is given, and every one of the words."""
        text = f"{self.name} {self.title} {self.dataset} {self.purpose}".lower()
        return purpose in (None, self.purpose) and all(w in text for w in words.lower().split())


def show() -> None:
    """Show the tab; the dataset of the model in use comes first."""
    _offer_undo()
    with st.container(horizontal=True, vertical_alignment="center"):
        words = st.text_input(
            "Search",
            key="model-search",
            bind="query-params",
            type="search",
            placeholder="Search",
            icon=":material/search:",
            label_visibility="collapsed",
            width=300,
        )
        purpose = st.pills(
            "Purpose",
            PURPOSES,
            key="model-purpose",
            bind="query-params",
            label_visibility="collapsed",
        )
    entries = _entries()
    datasets = {entry.name: entry.dataset for entry in entries}
    found = [entry for entry in entries if entry.matches(words or "", purpose)]
    if not found:
        st.info("No model fits.", icon=":material/search_off:")
    listed = [entry for entry in found if not entry.in_suite]
    used = st.session_state.get(header.MODEL)
    ordered = sorted(listed, key=lambda entry: entry.dataset != datasets.get(str(used)))
    for dataset in dict.fromkeys(entry.dataset for entry in ordered):
        _show_group(dataset, [entry for entry in listed if entry.dataset == dataset])
    _show_suite([entry for entry in found if entry.in_suite], is_open=bool(words))


def _entries() -> list[Entry]:
    return [_entry(name, title) for name, title in caches.models.model_titles().items()]


def _entry(name: str, title: str) -> Entry:
    try:
        return Entry(name, title, caches.models.model(name))
    except UserError as error:
        return Entry(name, title, None, str(error))


def _show_group(dataset: str, entries: list[Entry]) -> None:
    title = dataset_title(dataset)
    st.header(markdown.escape(title[:1].upper() + title[1:]) if dataset else "Cannot be used")
    _show_cards(sorted(entries, key=_rank))


def _rank(entry: Entry) -> tuple[int, str]:
    return PURPOSES.index(entry.purpose) if entry.purpose in PURPOSES else 9, entry.title


def _show_suite(entries: list[Entry], is_open: bool) -> None:
    """The networks of the attack comparison, folded away until they are searched for."""
    if not entries:
        return
    with st.expander(
        f"Attack comparison ({len(entries)}): one network for each attack, for the page Triggers",
        icon=":material/compare:",
        expanded=is_open,
    ):
        _show_cards(entries)


def _show_cards(entries: list[Entry]) -> None:
    with st.container(horizontal=True, gap="small"):
        for entry in entries:
            with st.container(border=True, width=WIDTH, key=f"card-{entry.name}", gap="xsmall"):
                _show_card(entry)


def _show_card(entry: Entry) -> None:
    used = entry.name == st.session_state.get(header.MODEL)
    colour = _BADGES.get(entry.purpose, "gray")
    st.markdown(
        f"**{markdown.escape(entry.title)}**"
        + (f" :{colour}-badge[{entry.purpose}]" if entry.purpose in PURPOSES else "")
        + (" :blue-badge[in use]" if used else "")
    )
    if entry.stored is None:
        st.caption(f":material/error: {markdown.escape(entry.problem)}")
    else:
        with failures.contained():
            scores.show_line(entry.stored.card)
            scan_verdict.show_briefly(entry.stored)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Use", key=f"use-{entry.name}", disabled=used, on_click=_use, args=(entry.name,))
        if (paths.models_folder() / entry.name).is_dir() and not is_read_only():
            st.button(
                "Delete",
                key=f"delete-{entry.name}",
                icon=":material/delete:",
                type="tertiary",
                on_click=_delete,
                args=(entry.name,),
            )
        st.caption(markdown.escape(entry.name))


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
    if not gone or st.session_state.get(_DISMISSED) or is_read_only():
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            f":material/delete: **{markdown.escape(gone[0])}** was deleted.", width="content"
        )
        st.button("Undo", key="undo-deletion", on_click=_undo, args=(gone[0],))
        st.button("Dismiss", key="dismiss-deletion", type="tertiary", on_click=_dismiss)
