"""The first step: which images the network was trained for."""

from __future__ import annotations

import streamlit as st

from app.forms import image_chooser
from app.frame.pages import PAGES
from app.views.train.training_form import name_dataset
from engine.datasets import available, dataset_names

DATASET = "own-dataset"


def show() -> str | None:
    """The choice of a dataset; None while its images are missing."""
    st.header("1. Your images")
    names = [name for name in dataset_names() if ":" not in name]
    dataset = st.selectbox(
        "Images of the classes that the network tells apart",
        names,
        format_func=name_dataset,
        key=DATASET,
        bind="query-params",
        help="Images that the network has not seen in training, by class. They are used to find out"
        " how the network wants its input, and to measure how good it is.",
    )
    if "data" in PAGES:
        PAGES["data"].link("Add images of your own")
    if available(dataset):
        return dataset
    image_chooser.offer_download(dataset)
    return None
