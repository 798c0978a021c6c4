"""How much of a trigger's change lies in brightness and how much in colour."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.elements import picture
from engine.imaging import colour
from engine.imaging.dct import change_shares

GAIN = 15
PLANES = {"Y": "Brightness (Y)", "U": "Blue difference (U)", "V": "Red difference (V)"}


def show(clean: np.ndarray, triggered: np.ndarray) -> None:
    """The change of an image, uint8 [height, width, 3], in Y, U and V, all amplified by `GAIN`."""
    shares = change_shares(clean[None], triggered[None])
    st.markdown(
        "The eye sees fine detail well in brightness and hardly at all in colour. In this image"
        f" **{shares[1] + shares[2]:.0%} of the change (by energy) is in the colour channels U and"
        f" V.** Each picture shows the change in one channel, amplified {GAIN} times."
    )
    change = (colour.from_rgb(triggered[None], "YUV") - colour.from_rgb(clean[None], "YUV"))[0]
    with st.container(horizontal=True):
        for plane, (name, share) in enumerate(zip(PLANES.values(), shares, strict=True)):
            grey = np.clip(128 + GAIN * change[..., plane], 0, 255).astype(np.uint8)
            with st.container(width=240):
                picture.show(
                    np.repeat(grey[..., None], 3, axis=2),
                    f"{name}: {share:.0%} of the energy, change of at most"
                    f" {np.abs(change[..., plane]).max():.1f} of 255",
                )
