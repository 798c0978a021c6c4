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
        captions=[describe_size(ARCHITECTURES[name]()) for name in names],
        key="network",
        bind="query-params",
        help="Numbers of parameters are those for 43 classes and images of 32x32 pixels.",
    )
    kind = ARCHITECTURES[name]
    architecture = parameter_controls.choose_parameters(kind, kind(), f"network-{name}")
    own = f"**{describe_size(architecture)}.** " if architecture != kind() else ""
    st.caption(f"{own}{kind.summary} ({kind.reference})")
    return architecture


def describe_size(architecture: Architecture) -> str:
    """Number of parameters and relative training time, as far as they are known."""
    count, time = architecture.count_parameters(*_EXAMPLE), architecture.relative_time()
    parts = [] if count is None else [f"{count / 1e6:.2f} million parameters"]
    if time is None:
        parts.append("time not measured")
    elif architecture != PaperNetwork():
        parts.append(f"{time:.1f} × the paper's time")
    return ", ".join(parts)
