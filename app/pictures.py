"""Small images made fit to look at."""

from __future__ import annotations

import numpy as np
import streamlit as st

SIDE = 320  # pixels on the page


def enlarge(image: np.ndarray, side: int = SIDE) -> np.ndarray:
    """A uint8 image [height, width, 3] enlarged in whole pixels: none is blurred or invented."""
    factor = max(1, side // image.shape[0])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def amplified(clean: np.ndarray, triggered: np.ndarray, gain: float) -> np.ndarray:
    """The difference, times `gain`, around middle grey: uint8 of the same shape."""
    difference = triggered.astype(np.float32) - clean
    return np.clip(128 + gain * difference, 0, 255).astype(np.uint8)


def show(image: np.ndarray, caption: str, side: int = SIDE) -> None:
    """An image with its pixels sharp, and its caption for those who cannot see it."""
    st.image(enlarge(image, side), caption=caption, alt=caption, width="stretch")
