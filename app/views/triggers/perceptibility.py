"""Why the eye misses the trigger: where its energy goes, in one image."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.elements import picture
from engine.imaging import colour
from engine.imaging.dct import change_shares

GAIN = 15
PLANES = {"Y": "brightness (Y)", "U": "blue against brightness (U)", "V": "red against it (V)"}


def show(clean: np.ndarray, triggered: np.ndarray) -> None:
    """The change in Y, U and V of an image, uint8 [height, width, 3], amplified alike."""
    shares = change_shares(clean[None], triggered[None])
    st.markdown(
        "The eye sees fine detail in brightness well and in colour hardly at all. In this image"
        f" **{shares[1] + shares[2]:.0%} of the change is in the colour channels U and V**, the"
        " rest in brightness. Each picture shows the change of one channel,"
        f" {GAIN} times amplified."
    )
    change = (colour.from_rgb(triggered[None], "YUV") - colour.from_rgb(clean[None], "YUV"))[0]
    with st.container(horizontal=True):
        for plane, (name, share) in enumerate(zip(PLANES.values(), shares, strict=True)):
            grey = np.clip(128 + GAIN * change[..., plane], 0, 255).astype(np.uint8)
            with st.container(width=240):
                picture.show(
                    np.repeat(grey[..., None], 3, axis=2),
                    f"Change of {name}: {share:.0%} of the energy, at most"
                    f" {np.abs(change[..., plane]).max():.1f} of 255",
                )
