"""Two images over each other, and a divider to pull."""

from __future__ import annotations

import numpy as np

from app.elements.mounting import element
from engine.imaging.render import data_url

_swipe = element("swipe")


def swipe(
    left: np.ndarray, right: np.ndarray, names: tuple[str, str], key: str, width: int = 384
) -> None:
    """Show `left` up to a divider and `right` behind it, pixels sharp.

    Args:
        left, right: uint8 [height, width, 3], of the same shape.
        names: what they are, for captions and for those who cannot see them.
        key: of the element.
        width: at most, in pixels on the page.
    """
    _swipe(
        data={
            "left": data_url(left),
            "right": data_url(right),
            "names": list(names),
            "width": width,
        },
        key=key,
    )
