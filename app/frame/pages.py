"""Every page: its section in the navigation, its title, and the question it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage


@dataclass(frozen=True)
class PageEntry:
    """A page in the navigation.

    Attributes:
        name: of the script in `pages/`, and in the address.
        title: in the navigation.
        icon: name of a Material symbol.
        question: what the page answers, shown as a tooltip.
        section: in the navigation; empty for a page that is not listed.
    """

    name: str
    title: str
    icon: str
    question: str
    section: str

    @property
    def script(self) -> str:
        """The script's path, as `st.page_link` takes it."""
        return f"../pages/{self.name}.py"

    def link(self, label: str = "", settings: Mapping[str, str] | None = None) -> None:
        """A link to the page, with settings in its address."""
        st.page_link(
            self.script,
            label=label or self.title,
            icon=f":material/{self.icon}:",
            query_params=settings,
        )


PAGES = {
    entry.name: entry
    for entry in (
        PageEntry(
            "overview",
            "Overview",
            "home",
            "Does this network hide a backdoor, and what helps?",
            "See",
        ),
        PageEntry(
            "triggers",
            "Triggers",
            "compare",
            "How visible is this trigger?",
            "See",
        ),
        PageEntry(
            "spectra",
            "Spectra",
            "graphic_eq",
            "Where in the spectrum does the trigger hide?",
            "See",
        ),
        PageEntry(
            "pictures",
            "Your pictures",
            "add_photo_alternate",
            "What does the network make of my own pictures?",
            "See",
        ),
        PageEntry(
            "data",
            "Data",
            "photo_library",
            "Which images are there, and how do I add my own?",
            "Train",
        ),
        PageEntry(
            "own_model",
            "Check your own model",
            "fact_check",
            "What about a network that I got from elsewhere?",
            "Train",
        ),
        PageEntry(
            "train",
            "Train",
            "model_training",
            "How does a backdoor get into a network?",
            "Train",
        ),
        PageEntry(
            "sweeps",
            "Sweeps",
            "grid_view",
            "How do the figures change with seeds, rates, attacks and repairs?",
            "Train",
        ),
        PageEntry(
            "models",
            "Models",
            "inventory_2",
            "Which models are there, and how good are they?",
            "Train",
        ),
        PageEntry(
            "activations",
            "Activations",
            "bar_chart",
            "What does each channel respond to?",
            "Inside",
        ),
        PageEntry(
            "compare",
            "Compare",
            "balance",
            "Where do two networks differ?",
            "Inside",
        ),
        PageEntry(
            "detect",
            "Detect",
            "radar",
            "Does this network hide a backdoor, and which?",
            "Defend",
        ),
        PageEntry(
            "pruning",
            "Pruning",
            "content_cut",
            "Does pruning remove the backdoor?",
            "Defend",
        ),
        PageEntry(
            "repairs",
            "Repairs",
            "healing",
            "Which repair removes the backdoor?",
            "Defend",
        ),
        PageEntry(
            "report",
            "Report",
            "description",
            "What do I hand to the person who decides?",
            "Report",
        ),
        PageEntry("tour", "Tour", "slideshow", "The whole story in seven steps.", ""),
    )
}


def navigation() -> StreamlitPage:
    """The navigation bar; returns the page to run."""
    sections: dict[str, list[StreamlitPage]] = {}
    for entry in PAGES.values():
        page = st.Page(
            entry.script,
            title=entry.title,
            icon=f":material/{entry.icon}:",
            default=entry.name == "overview",
            visibility="visible" if entry.section else "hidden",
            help=entry.question,
        )
        sections.setdefault(entry.section or "Report", []).append(page)
    return st.navigation(sections, position="top")
