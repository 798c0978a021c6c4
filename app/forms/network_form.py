"""Controls for the network that is trained."""

from __future__ import annotations

import streamlit as st

from app.forms import parameter_controls
from engine.networks.architectures import ARCHITECTURES, Architecture, PaperNetwork

_EXAMPLE = (43, (32, 32, 3))  # classes and image shape that numbers of parameters are given for


def choose() -> Architecture:
    """Controls for the network and its parameters; the address keeps which one it is."""
    names = list(ARCHITECTURES)
    name = st.radio(
        "Network",
        names,
        index=names.index(PaperNetwork.name),
        format_func=lambda name: ARCHITECTURES[name].title,
        horizontal=True,
        key="network",
        bind="query-params",
        help="What is trained. Its number of parameters is that for 43 classes and images of 32x32"
        " pixels.",
    )
    kind = ARCHITECTURES[name]
    architecture = parameter_controls.choose_parameters(kind, kind(), f"network-{name}")
    st.caption(f"**{describe_size(architecture)}.** {kind.summary} ({kind.reference})")
    return architecture


def describe_size(architecture: Architecture) -> str:
    """Number of parameters and relative training time, as far as they are known."""
    count, time = architecture.count_parameters(*_EXAMPLE), architecture.relative_time()
    parts = [] if count is None else [f"{count / 1e6:.2f} million parameters"]
    if time is not None and architecture != PaperNetwork():
        parts.append(f"{time:.1f} × the time of the paper's network")
    return ", ".join(parts) or "Size and time are not known"
