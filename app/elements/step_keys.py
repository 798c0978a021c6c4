"""The keyboard of a presentation: arrow keys change the step, Escape leaves."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.elements.mounting import element
from app.frame import failures

_keys = element("step_keys")


def listen(
    step: int,
    steps: int,
    row: str,
    leave: str,
    key: str,
    on_move: Callable[[int], None],
) -> None:
    """Listen to the left and right arrows, Page Up, Page Down and Escape on the whole page.

    Keys are left alone while a control has the focus that needs them.

    Args:
        step: the step shown, from 1. Screen readers are told when it changes.
        steps: how many there are.
        row: key of the container with the controls for the steps, where the keys work, too.
        leave: key of the container with the link that Escape follows.
        key: of the element.
        on_move: called with the step that the keys lead to, before the page runs again.
    """

    @failures.callback
    def moved() -> None:
        wanted = st.session_state[key].get("step")
        # A browser may send anything.
        if isinstance(wanted, int) and 1 <= wanted <= steps:
            on_move(wanted)

    _keys(
        data={
            "step": step,
            "steps": steps,
            "row": row,
            "leave": leave,
            "text": f"Step {step} of {steps}",
        },
        key=key,
        on_step_change=moved,
    )
