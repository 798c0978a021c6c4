"""The link of a page is a stranger's input: what no control can be given is taken out of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.runtime.state.session_state_proxy import get_session_state

LONGEST = 500  # characters of a value


def clean(parameters: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The parameters whose values a control can be given; whether it offers them, it decides.

    Args:
        parameters: every value of each parameter of a link.
    """
    return {
        name: list(values)
        for name, values in parameters.items()
        if values and all(map(_usable, values))
    }


def _usable(value: str) -> bool:
    """Whether it is text to be shown, and, if it is a number, a finite one."""
    if not value or len(value) > LONGEST or not value.isprintable():
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return True


def tidy() -> None:
    """Take out of the link what `clean` does not keep, before a control begins with it."""
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    unusable = given.keys() - clean(given)
    if not unusable:
        return
    # Streamlit's own way in: `st.query_params` refuses to touch what a control is bound to.
    with get_session_state().query_params() as parameters:
        for name in unusable:
            parameters.remove_param(name)
        parameters.set_initial_query_params_from_current()
