"""The first step: which images the network was trained for."""

from __future__ import annotations

import streamlit as st

from app.forms import image_chooser
from app.frame.pages import PAGES
from app.views.train.training_form import name_dataset
from engine.datasets import SOURCES, available, own

DATASET = "own-dataset"


def show() -> str | None:
    """The choice of a dataset; None while its images are missing."""
    st.header("1. Your images")
    names = [*own.names(), *SOURCES]
    dataset = st.selectbox(
        "Images of the classes that the network tells apart",
        names,
        format_func=lambda name: name_dataset(name) if name in SOURCES else name,
        key=DATASET,
        bind="query-params",
        help="Images that the network has not seen in training, by class. They are used to find out"
        " how the network wants its input, and to measure how good it is.",
    )
    PAGES["data"].link("Add images of your own", {"data-tab": "Add your own images"})
    if available(dataset):
        return dataset
    image_chooser.offer_download(dataset)
    return None
