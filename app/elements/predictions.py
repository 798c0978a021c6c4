"""What the network says of one image, as a short list of bars."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from engine.core import markdown
from engine.reporting.paper_figures import CLEAN, TRIGGERED
from engine.store import ModelCard

SHOWN = 3
OTHER = "#7a8189"  # neither right nor the target


def show(probabilities: np.ndarray, label: int | None, card: ModelCard) -> None:
    """The likeliest classes with the network's confidence in each.

    Args:
        probabilities: float [classes].
        label: the true class, or None for an image of the visitor's own.
        card: of the network.
    """
    best = np.argsort(-probabilities, kind="stable")[:SHOWN]
    rows = "".join(_row(int(place), float(probabilities[place]), label, card) for place in best)
    st.html(f"<ol style='list-style:none;margin:0;padding:0'>{rows}</ol>")


def said(probabilities: np.ndarray, label: int | None, card: ModelCard) -> str:
    """The verdict in a few words of Markdown, such as "read as **Stop**, right"."""
    read_as = int(probabilities.argmax())
    share = f"{probabilities[read_as]:.0%}"
    name = f"**{markdown.escape(card.class_names[read_as])}** ({share})"
    if label is None:
        return f"read as {name}"
    if read_as == label:
        return f":material/check_circle: read right, as {name}"
    if read_as == card.target_for(label):
        return f":material/warning: read as the attacker wants, as {name}"
    return f":material/cancel: misread in another way, as {name}"


def _row(place: int, share: float, label: int | None, card: ModelCard) -> str:
    target = card.target if label is None else card.target_for(label)
    colour = CLEAN if place == label else TRIGGERED if place == target else OTHER
    meaning = " (right)" if place == label else " (the target)" if place == target else ""
    name = escape(f"{card.class_names[place]}{meaning}")
    return (
        "<li style='margin:0 0 .4rem'>"
        "<div style='display:flex;justify-content:space-between;gap:.5rem;font-size:.875rem'>"
        f"<span>{name}</span><span>{share:.1%}</span></div>"
        f"<div style='height:.4rem;border-radius:.2rem;background:rgba(128,128,128,.25)'>"
        f"<div style='height:100%;width:{100 * share:.1f}%;border-radius:.2rem;"
        f"background:{colour}'></div></div></li>"
    )
