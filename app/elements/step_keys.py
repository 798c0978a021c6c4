"""The keyboard of a presentation: arrow keys change the step, Escape leaves."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.elements.mounting import element
from app.frame import failures

_keys = element("step_keys")


def listen(step: int, steps: int, key: str, on_move: Callable[[int], None]) -> bool:
    """Listen to the left and right arrows, Page Up, Page Down and Escape on the whole page.

    Keys are left alone while a control has the focus that needs them.

    Args:
        step: the step shown, from 1. Screen readers are told when it changes.
        steps: how many there are.
        key: of the element.
        on_move: called with the step that the keys lead to, before the page runs again.

    Returns:
        Whether Escape was pressed.
    """

    @failures.callback
    def moved() -> None:
        wanted = st.session_state[key].get("step")
        # A browser may send anything.
        if isinstance(wanted, int) and 1 <= wanted <= steps:
            on_move(wanted)

    result = _keys(
        data={"step": step, "steps": steps, "text": f"Step {step} of {steps}"},
        key=key,
        on_step_change=moved,
        on_left_change=lambda: None,
    )
    return bool(result.left)
