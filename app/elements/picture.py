"""An image on the page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.core import markdown
from engine.imaging.render import SIDE, enlarge


def show(image: np.ndarray, caption: str, side: int = SIDE, alternative: str = "") -> None:
    """Show an image with sharp pixels.

    Args:
        image: uint8 [height, width, 3].
        caption: below the image.
        side: its largest side in pixels, before the page fits it in.
        alternative: for screen readers; the caption if left out.
    """
    st.image(
        enlarge(image, side),
        caption=markdown.escape(caption),
        alt=alternative or caption,
        width="stretch",
        output_format="PNG",  # JPEG would lose faint triggers
    )
