"""What elements have in common from which the visitor picks one of several pictures."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.frame import failures


def on_picked(key: str, count: int, on_pick: Callable[[int], None]) -> Callable[[], None]:
    """A callback that hands on the index of the picture picked, before the page runs again.

    Args:
        key: of the element.
        count: of its pictures.
        on_pick: what to call with the index.
    """

    @failures.callback
    def picked() -> None:
        index = st.session_state[key].get("picked")
        # A browser may send anything.
        if isinstance(index, int) and 0 <= index < count:
            on_pick(index)

    return picked
