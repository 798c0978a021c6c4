"""The presets as cards, with how long each takes and what comes of it."""

from __future__ import annotations

import streamlit as st

from app import caches
from engine.datasets import dataset_title
from engine.experiments.training_estimates import TrainingEstimate
from engine.networks.architectures import Architecture
from engine.training.presets import PRESETS

PRESET = "preset"
_FIRST = "quick"
_STYLE = (
    "<style>.st-key-presets [role=radiogroup] {display: grid; gap: .75rem; width: 100%;"
    " grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr))}"
    ".st-key-presets [role=radiogroup] > div {position: relative; margin: 0 !important;"
    " padding: .5rem .75rem;"
    " border: 1px solid rgba(128, 128, 128, .35); border-radius: .5rem}"
    ".st-key-presets [role=radiogroup] > div:has(input:checked) {border-color: #0072b2;"
    " box-shadow: inset 0 0 0 1px #0072b2}"
    # The whole card can be clicked.
    ".st-key-presets [role=radiogroup] label::after {content: ''; position: absolute; inset: 0}"
    ".st-key-presets [role=radiogroup] label p {font-weight: 600}"
    "</style>"
)


def choose(dataset: str, architecture: Architecture) -> str:
    """A card for each preset, the quickest first; the address keeps the one chosen.

    Args:
        dataset, architecture: the minutes on the cards are for.
    """
    st.html(_STYLE)
    offered = sorted(PRESETS, key=lambda name: PRESETS[name].training.epochs)
    estimates = caches.models.training_estimates()
    found = {name: estimates.of(dataset, PRESETS[name].training, architecture) for name in offered}
    with st.container(key="presets", gap="xsmall"):
        chosen = st.radio(
            "Preset",
            offered,
            index=offered.index(_FIRST),
            format_func=lambda name: PRESETS[name].title,
            captions=[
                f"{_describe(found[name], dataset)} {PRESETS[name].help}" for name in offered
            ],
            horizontal=True,
            key=PRESET,
            bind="query-params",
            width="stretch",
            label_visibility="collapsed",
        )
        st.caption(
            "Minutes were measured on two cores, or (≈) follow from the images per second measured"
            " there. Scores are those of FTrojan networks, on test images."
            if any(estimate.scores for estimate in found.values())
            else "Minutes (≈) follow from those of the paper's network, measured on two cores."
        )
    return chosen


def describe_minutes(minutes: float | None) -> str:
    """How long a training takes, in words."""
    if minutes is None:
        return "an unknown time: nothing was measured on this dataset or network yet"
    return f"about {_round(minutes)} minutes on two cores"


def _round(minutes: float) -> str:
    return f"{minutes:.1f}" if minutes < 10 else f"{minutes:.0f}"


def _describe(found: TrainingEstimate, dataset: str) -> str:
    """Minutes and scores as Markdown, in a line of their own."""
    parts = []
    if found.minutes is not None:
        parts.append(f"**{'' if found.is_measured else '≈ '}{_round(found.minutes)} min**")
    if found.scores:
        where = "" if found.scored_on == dataset else f" on {dataset_title(found.scored_on)}"
        parts.append(
            f"**{found.scores['clean_accuracy']:.1f} %** clean,"
            f" **{found.scores['attack_success']:.1f} %** attack success{where}"
        )
    return " · ".join(parts) + "  \n" if parts else ""
