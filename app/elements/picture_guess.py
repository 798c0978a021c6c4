"""Two or more large pictures of which the visitor picks one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.elements.mounting import element
from app.elements.picking import on_picked

_guess = element("picture_guess")


def guess(
    pictures: Sequence[str],
    names: Sequence[str],
    chosen: int | None,
    colours: Sequence[str],
    title: str,
    key: str,
    on_pick: Callable[[int], None],
) -> None:
    """Show large pictures with sharp pixels, by mouse or keyboard to pick from.

    Args:
        pictures: data URL of each.
        names: shown under each, and read by screen readers.
        chosen: index of the one picked, or None.
        colours: of each frame; empty strings frame nothing.
        title: of the group, for screen readers.
        key: of the element.
        on_pick: called with the index of the picture picked, before the page runs again.
    """
    _guess(
        data={
            "pictures": list(pictures),
            "names": list(names),
            "chosen": chosen,
            "colours": list(colours),
            "title": title,
        },
        key=key,
        on_picked_change=on_picked(key, len(names), on_pick),
    )
