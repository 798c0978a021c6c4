"""An image on the page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.core import markdown
from engine.imaging.render import SIDE, enlarge


def show(image: np.ndarray, caption: str, side: int = SIDE) -> None:
    """Show a uint8 image with sharp pixels; the caption is also its text alternative."""
    st.image(enlarge(image, side), caption=markdown.escape(caption), alt=caption, width="stretch")
