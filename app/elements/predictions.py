"""The network's prediction for one image: one line of text, and a short list of bars."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.core import markdown, templates
from engine.reporting import verdict
from engine.reporting.metric_style import CLEAN, NEUTRAL, TRIGGERED
from engine.store import ModelCard

SHOWN = 3
_TEMPLATES = templates.load(__file__)
_ICONS = {"correct": "check_circle", "attacker's target": "warning", "wrong": "cancel"}


def show(probabilities: np.ndarray, label: int | None, card: ModelCard) -> None:
    """Show the likeliest classes with their probabilities.

    Args:
        probabilities: float [classes].
        label: the true class, or None for an uploaded image.
        card: of the network.
    """
    best = np.argsort(-probabilities, kind="stable")[:SHOWN]
    bars = [_bar(int(index), float(probabilities[index]), label, card) for index in best]
    st.html(templates.render(_TEMPLATES, "predictions", bars=bars))


def describe(probabilities: np.ndarray, label: int | None, card: ModelCard) -> str:
    """The predicted class as Markdown, with its verdict: "**Stop** (97%) · correct".

    Args:
        probabilities, label, card: as for `show`; without a label there is no verdict.
    """
    predicted = int(probabilities.argmax())
    name = f"**{markdown.escape(card.class_names[predicted])}** ({probabilities[predicted]:.0%})"
    if label is None:
        return name
    outcome = verdict.of_prediction(predicted, label, card.target_for(label))
    return f":material/{_ICONS[outcome]}: {name} · {outcome}"


def _bar(index: int, probability: float, label: int | None, card: ModelCard) -> dict[str, object]:
    target = card.target if label is None else card.target_for(label)
    colour, note = NEUTRAL, ""
    if index == label:
        colour, note = CLEAN, " (correct)"
    elif index == target:
        colour, note = TRIGGERED, " (attacker's target)"
    name = card.class_names[index] + note
    return {"name": name, "probability": probability, "colour": colour}
