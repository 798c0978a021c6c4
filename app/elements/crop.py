"""A photo with a square to choose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from app.elements.mounting import element
from app.frame import failures
from app.own_pictures import Crop
from engine.imaging.render import data_url

_crop = element("crop")


def crop(
    photo: np.ndarray, chosen: Crop, name: str, key: str, on_crop: Callable[[Crop], None]
) -> None:
    """Show a photo with a square to drag, resize, or move by keyboard.

    Args:
        photo: uint8 [height, width, 3].
        chosen: the square shown.
        name: of the photo, for screen readers.
        key: of the element.
        on_crop: called with the new square, before the page runs again.
    """
    height, width = photo.shape[:2]

    @failures.callback
    def moved() -> None:
        sent = st.session_state[key].get("crop")
        # A browser may send anything.
        if not isinstance(sent, dict):
            return
        numbers = [part for part in map(sent.get, ("left", "top", "side")) if isinstance(part, int)]
        if len(numbers) == len(("left", "top", "side")):
            on_crop(Crop(*numbers).within(height, width))

    _crop(
        data={
            "photo": data_url(photo),
            "alternative": name,
            "width": width,
            "height": height,
            "crop": {"left": chosen.left, "top": chosen.top, "side": chosen.side},
        },
        key=key,
        on_crop_change=moved,
    )
