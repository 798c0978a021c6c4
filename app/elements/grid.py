"""A grid of small pictures, one of them chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from app.elements.mounting import element
from app.frame import failures
from engine.imaging.render import data_url

_grid = element("grid")


def grid(
    pictures: np.ndarray,
    names: Sequence[str],
    chosen: int | None,
    title: str,
    key: str,
    on_pick: Callable[[int], None],
) -> None:
    """Show pictures to pick one from, by mouse or keyboard.

    Args:
        pictures: uint8 [n, height, width, 3].
        names: of each, read aloud and shown under the pointer.
        chosen: which is framed, or None.
        title: of the group, for those who cannot see it.
        key: of the element.
        on_pick: is told the place of the one picked, before the page runs again.
    """

    @failures.callback
    def picked() -> None:
        place = st.session_state[key].get("picked")
        # What a browser sends is looked at again: it may be anything.
        if isinstance(place, int) and 0 <= place < len(names):
            on_pick(place)

    _grid(
        data={
            # One long picture, so that a page of them travels in one piece.
            "strip": data_url(np.concatenate(list(pictures), axis=1)),
            "names": list(names),
            "chosen": chosen,
            "title": title,
        },
        key=key,
        on_picked_change=picked,
    )
