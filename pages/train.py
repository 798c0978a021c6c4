"""Train a network with a backdoor, or import one from a file."""

import streamlit as st

from app.elements import tabs
from app.views.train import import_view, training_view

st.title("Train")
tabs.show({"Train a network": training_view.show, "Import": import_view.show}, "train-tab")
