"""Two images on top of each other, with a divider to drag."""

from __future__ import annotations

import numpy as np

from app.elements.mounting import element
from engine.imaging.render import data_url

_swipe = element("swipe")


def swipe(
    left: np.ndarray, right: np.ndarray, names: tuple[str, str], key: str, width: int = 384
) -> None:
    """Show `left` up to a divider and `right` beyond it, with sharp pixels.

    Args:
        left, right: uint8 [height, width, 3], of the same shape.
        names: of the two, for captions and screen readers.
        key: of the element.
        width: maximum on the page, pixels.
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
