"""How much of a trigger's change lies in brightness and how much in colour."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.elements import picture
from engine.imaging import colour
from engine.imaging.dct import change_shares

GAIN = 15
PLANES = ("Brightness (Y)", "Blue difference (U)", "Red difference (V)")


def show(clean: np.ndarray, triggered: np.ndarray) -> None:
    """An image, uint8 [height, width, 3], its triggered copy, and the change in Y, U and V."""
    shares = change_shares(clean[None], triggered[None])
    st.markdown(describe(shares))
    change = (colour.from_rgb(triggered[None], "YUV") - colour.from_rgb(clean[None], "YUV"))[0]
    columns = st.columns(2 + len(PLANES), gap="small")
    for column, (name, image) in zip(
        columns, {"Clean": clean, "Triggered": triggered}.items(), strict=False
    ):
        with column:
            picture.show(image, name)
    for plane, (column, name) in enumerate(zip(columns[2:], PLANES, strict=True)):
        grey = np.clip(128 + GAIN * change[..., plane], 0, 255).astype(np.uint8)
        largest = np.abs(change[..., plane]).max()
        with column:
            picture.show(
                np.repeat(grey[..., None], 3, axis=2),
                f"{name}: {shares[plane]:.0%} of the change, at most {largest:.1f} of 255",
            )
    st.caption(
        f"The change in each channel, amplified {GAIN} times: grey is none. Shares are shares of"
        " the energy, the sum of squares."
    )


def describe(shares: np.ndarray) -> str:
    """Where most of the change lies, and whether the eye sees it there, as Markdown.

    Args:
        shares: see `dct.change_shares`.
    """
    if not shares.any():
        return "**The trigger does not change this image.**"
    in_colour = float(shares[1] + shares[2])
    if in_colour >= 0.5:
        return (
            f"**{in_colour:.0%} of this change is in colour (U and V),** where the eye hardly sees"
            " fine detail."
        )
    return (
        f"**{shares[0]:.0%} of this change is in brightness (Y),** where the eye sees fine detail"
        " well."
    )
