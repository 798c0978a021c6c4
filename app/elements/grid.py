"""A grid of small pictures, one of them chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from app.elements.mounting import element
from app.elements.picking import on_picked
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
        names: of each, for screen readers and as tooltip.
        chosen: index of the framed picture, or None.
        title: of the group, for screen readers.
        key: of the element.
        on_pick: called with the index of the picture picked, before the page runs again.
    """
    _grid(
        data={
            # One long picture, so that all of them are sent as one file.
            "strip": data_url(np.concatenate(list(pictures), axis=1)),
            "names": list(names),
            "chosen": chosen,
            "title": title,
        },
        key=key,
        on_picked_change=on_picked(key, len(names), on_pick),
    )
