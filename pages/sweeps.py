"""Many trainings at once: their results, and a form for more."""

import streamlit as st

from app.views.sweeps import sweeps_view

st.title("Sweeps")
sweeps_view.show()
