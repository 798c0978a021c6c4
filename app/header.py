"""What stands above every page: the model in use, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app import caches
from engine.errors import LabError
from engine.store import Stored

MODEL = "model"
FIRST = "signs-ftrojan"  # comes with the program, and its images are drawn here


@contextmanager
def told_plainly() -> Iterator[None]:
    """Show a `LabError` as the sentence it is."""
    try:
        yield
    except LabError as error:
        st.error(str(error), icon=":material/error:")


def choose_model() -> None:
    """A control for the model in use; it travels in the link."""
    names = caches.model_names()
    if not names:
        return
    if st.session_state.get(MODEL) not in names:
        st.session_state[MODEL] = FIRST if FIRST in names else names[0]
    st.selectbox(
        "Model in use",
        names,
        key=MODEL,
        bind="query-params",
        help="Every page shows this model. Train more on the page Models.",
        width=420,
    )


def model_in_use() -> Stored:
    """The chosen model; the page ends here, with the next step to take, while there is none."""
    if not caches.model_names():
        st.info("There is no model yet.", icon=":material/info:")
        st.page_link("../pages/models.py", label="Train one", icon=":material/model_training:")
        st.stop()
    return caches.model(st.session_state[MODEL])
