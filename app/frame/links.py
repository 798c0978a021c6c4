"""Links are untrusted input: parameters that no control accepts are removed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.runtime.state.session_state_proxy import get_session_state

MAX_VALUE_LENGTH = 500  # characters of a value


def keep_usable(parameters: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The parameters with values that a control may be given; the control checks them further.

    Args:
        parameters: every value of each parameter of a link.
    """
    return {
        name: list(values)
        for name, values in parameters.items()
        if values and all(map(_usable, values))
    }


def _usable(value: str) -> bool:
    """Whether a value is printable text and, if it is a number, finite."""
    if not value or len(value) > MAX_VALUE_LENGTH or not value.isprintable():
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return True


def clean_link() -> None:
    """Remove from the link what `keep_usable` does not keep, before any control reads it."""
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    unusable = given.keys() - keep_usable(given)
    if not unusable:
        return
    # Streamlit's internal interface: `st.query_params` refuses to change bound parameters.
    with get_session_state().query_params() as parameters:
        for name in unusable:
            parameters.remove_param(name)
        parameters.set_initial_query_params_from_current()
