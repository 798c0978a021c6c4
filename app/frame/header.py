"""The controls above every page: the model and the dataset in use."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from app import caches
from engine.core.errors import UserError
from engine.datasets import alike
from engine.store import StoredModel

MODEL, DATASET = "model", "dataset"
_STYLE = (
    "<style>[data-testid=stMainBlockContainer] {padding-top: 4rem}"
    # Wide charts scroll sideways on a phone.
    ".st-key-orders, .st-key-defences [data-testid=stElementContainer]:has(.vega-embed)"
    " {overflow-x: auto}"
    ".st-key-defences .vega-embed {min-width: 840px}"
    # The dark theme's pale blue has too little contrast with white text.
    "button[kind^=primary]:enabled, [data-tag] {background-color: #005a8d; border-color: #005a8d;"
    " color: #ffffff}"
    "button[kind^=primary]:enabled:hover {background-color: #004a75; color: #ffffff}</style>"
)
DEFAULT_MODEL = "signs-ftrojan"  # comes with the program, and its images are drawn here


def choose() -> None:
    """Controls for the model and the dataset in use; the link keeps both.

    For a model that cannot be read only the first is shown; the pages say what is wrong.
    """
    st.html(_STYLE)
    names = caches.model_names()
    if not names:
        return
    if st.session_state.get(MODEL, names[0]) not in names:
        del st.session_state[MODEL]  # deleted since
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Model in use",
            names,
            index=names.index(DEFAULT_MODEL)
            if DEFAULT_MODEL in names
            else 0,  # a link need not name this one
            key=MODEL,
            bind="query-params",
            help="Every page shows this model. Train more on the page Models.",
            width=320,
        )
        with suppress(UserError):
            _choose_dataset(model_in_use())


def _choose_dataset(model: StoredModel) -> None:
    offered = alike(model.card.dataset)
    if st.session_state.get(DATASET) not in offered:
        st.session_state[DATASET] = offered[0]
    st.selectbox(
        "Images from",
        offered,
        key=DATASET,
        bind="query-params",
        help="The dataset whose test images every page shows. Accuracies and curves were"
        " measured on the dataset that the model was trained on.",
        width=220,
    )


def dataset_in_use() -> str:
    """The dataset whose images the pages show."""
    return str(st.session_state[DATASET])


def model_in_use() -> StoredModel:
    """The chosen model. Without any model, the page ends here with a link to train one."""
    if not caches.model_names():
        st.info("There is no model yet.", icon=":material/info:")
        st.page_link("../pages/models.py", label="Train one", icon=":material/model_training:")
        st.stop()
    return caches.model(st.session_state[MODEL])
