"""The datasets there are, and images of one's own to be added to them."""

import streamlit as st

from app.elements import tabs
from app.views.data import add_view, datasets_view

st.title("Data")
tabs.show({"Datasets": datasets_view.show, "Add your own images": add_view.show}, "data-tab")
