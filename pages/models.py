"""Every model: use it, look at how it was made, compare it with others, delete it."""

import streamlit as st

from app import caches
from app.elements import tabs
from app.frame import header
from app.views.models import model_comparison, model_in_use, model_list

st.title("Models")

if not caches.models.model_names():
    header.model_in_use()  # says so, and how to get one
tabs.show(
    {
        "All models": model_list.show,
        "In use": model_in_use.show,
        "Compare": model_comparison.show,
    },
    "models-tab",
)
