"""The line above every page: the model and the images in use."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from app import caches
from app.frame import address, failures, pages
from engine.core.errors import UserError
from engine.datasets import alike, dataset_title
from engine.store import StoredModel

MODEL, DATASET = "model", "dataset"
_NEXT = "model-next"  # to be in use from the next run on
DEFAULT_MODEL = "signs-ftrojan"  # comes with the program, and its images are drawn here
_STYLE = (
    "<style>[data-testid=stMainBlockContainer] {padding-top: 3.75rem; padding-bottom: 3rem}"
    # The dark theme's pale blue has too little contrast with white text.
    "button[kind^=primary]:enabled, [data-tag] {background-color: #005a8d; border-color: #005a8d;"
    " color: #ffffff}"
    "button[kind^=primary]:enabled:hover {background-color: #004a75; color: #ffffff}"
    ".st-key-main-link a, .st-key-main-link a:hover"
    " {background-color: #005a8d; border-radius: .5rem; padding: .4rem .8rem}"
    ".st-key-main-link a * {color: #ffffff}"
    "[data-testid=stMetricValue] {font-size: 1.6rem}"
    # The menu to save a chart stands in its corner.
    "[class*=st-key-chart-] {position: relative; gap: 0}"
    "[class*=st-key-corner-]"
    " {position: absolute; bottom: -.7rem; right: 0; width: auto; z-index: 1}"
    # One line, on a phone too.
    ".st-key-in-use {flex-wrap: nowrap} .st-key-in-use > div {min-width: 0; flex-shrink: 1}</style>"
)


def choose() -> None:
    """Controls for the model and the images in use; the address keeps both.

    For a model that cannot be read only the first is shown; the pages say what is wrong.
    """
    st.html(_STYLE)
    names = caches.models.model_names()
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="in-use"):
        _choose_model(names)
        with suppress(UserError):
            _choose_dataset(model_in_use())


def _choose_model(names: list[str]) -> None:
    """The address holds the model's name; the control shows its title."""
    usual = DEFAULT_MODEL if DEFAULT_MODEL in names else names[0]
    if _NEXT in st.session_state:
        st.session_state[MODEL] = st.session_state.pop(_NEXT)
        _forget_dataset()
    if MODEL not in st.session_state or address.history_moved():
        st.session_state[MODEL] = st.query_params.get(MODEL, usual)
    if st.session_state[MODEL] not in names:  # a link need not name one that exists
        st.session_state[MODEL] = usual
    titles = caches.models.model_titles()
    names = [*(name for name in titles if name in names)]
    chosen = st.selectbox(
        "Model in use",
        names,
        format_func=lambda name: titles.get(name, name),
        key=MODEL,
        help="Every page shows this model. Type to search.",
        label_visibility="collapsed",
        width=420,
        on_change=_forget_dataset,
    )
    address.write(MODEL, None if chosen == usual else chosen)


@failures.callback
def _forget_dataset() -> None:
    """Another model starts with the images it was trained on."""
    st.session_state.pop(DATASET, None)


def _choose_dataset(model: StoredModel) -> None:
    offered = alike(model.card.dataset)
    if st.session_state.get(DATASET) not in offered:
        st.session_state[DATASET] = offered[0]
    if len(offered) == 1:
        return
    st.selectbox(
        "Images from",
        offered,
        format_func=lambda name: f"Images: {dataset_title(name)}",
        key=DATASET,
        bind="query-params",
        help="The dataset whose test images every page shows. Accuracies and curves were"
        " measured on the dataset that the model was trained on.",
        label_visibility="collapsed",
        width=220,
    )


def use_next(name: str) -> None:
    """Have a model in use from the next run on: in this one, the control has its value already."""
    st.session_state[_NEXT] = name


def dataset_in_use() -> str:
    """The dataset whose images the pages show."""
    return str(st.session_state[DATASET])


def model_in_use() -> StoredModel:
    """The chosen model. Without any model, the page ends here with a link to train one."""
    if not caches.models.model_names():
        st.info("There is no model yet.", icon=":material/info:")
        pages.PAGES["train"].link("Train one")
        st.stop()
    return caches.models.model(st.session_state[MODEL])
