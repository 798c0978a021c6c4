"""The network's prediction for one image: one line of text, and a short list of bars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from engine.core import markdown, templates
from engine.reporting import verdict
from engine.reporting.metric_style import CLEAN, NEUTRAL, OUTCOMES, TRIGGERED, image_kinds
from engine.store import ModelCard

SHOWN = 3
_TEMPLATES = templates.load(__file__)
_ICONS = {
    "correct": "check_circle",
    "attacker's target": "warning",
    "assumed target": "warning",
    "wrong": "cancel",
}


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


def compare(networks: Mapping[str, np.ndarray], label: int | None, card: ModelCard) -> None:
    """What several networks make of the same image, clean and triggered, as a table.

    Args:
        networks: what to call each network -> its probabilities for the clean image and, where a
            trigger is known, for the triggered one: float [1 or 2, classes].
        label: the true class; None if nobody said what the image shows.
        card: of the networks, which have the same classes.
    """
    rows = {
        name: [outcome(row, label, card) for row in probabilities]
        for name, probabilities in networks.items()
    }
    kinds = image_kinds(card)
    st.html(templates.render(_TEMPLATES, "compared", rows=rows, kinds=kinds))


def outcome(probabilities: np.ndarray, label: int | None, card: ModelCard) -> dict[str, str]:
    """A prediction for a template: name of the class, share, verdict, and its colour and mark."""
    predicted = int(probabilities.argmax())
    judged = verdict.of_any_prediction(predicted, label, card)
    colour, mark = OUTCOMES[judged]
    return {
        "name": card.class_names[predicted],
        "share": f"{probabilities[predicted]:.0%}",
        "verdict": judged or "",
        "colour": colour,
        "mark": mark,
    }


def describe(probabilities: np.ndarray, label: int | None, card: ModelCard) -> str:
    """The predicted class as Markdown, with its verdict: "**Stop** (97%) · correct".

    Args:
        probabilities, label, card: as for `show`; without a label there is no verdict.
    """
    predicted = int(probabilities.argmax())
    name = f"**{markdown.escape(card.class_names[predicted])}** ({probabilities[predicted]:.0%})"
    if label is None:
        return name
    judged = verdict.of_any_prediction(predicted, label, card)
    if judged is None:
        return name
    return f":material/{_ICONS[judged]}: {name} · {judged}"


def _bar(index: int, probability: float, label: int | None, card: ModelCard) -> dict[str, object]:
    colour, note = NEUTRAL, ""
    if index == label:
        colour, note = CLEAN, " (correct)"
    elif index == verdict.target_of(card, label):
        colour, note = TRIGGERED, f" ({verdict.target_word(card)})"
    name = card.class_names[index] + note
    return {"name": name, "probability": probability, "colour": colour}
