"""A warning about a network that seems to guess, and the confirmation that repairs then need."""

from __future__ import annotations

import streamlit as st

from engine.core import markdown
from engine.store import ModelCard, near_chance


def show(card: ModelCard) -> None:
    """Warn of a network whose accuracy is little better than guessing; nothing for others."""
    if problem := near_chance.warn(card):
        st.warning(f"**{markdown.escape(problem)}**", icon=":material/warning:")


def confirmed(card: ModelCard) -> list[str] | None:
    """A checkbox without which a network that seems to guess is not repaired.

    Returns:
        The option that a command to repair needs, none for other networks; None until the box is
        checked.
    """
    problem = near_chance.warn(card)
    if not problem:
        return []
    checked = st.checkbox(
        "Repair it all the same: its accuracy is what I expect",
        key=f"confirm-accuracy-{card.name}",
        help=problem,
    )
    return [near_chance.CONFIRM] if checked else None
