"""Train a network with a backdoor, or without one."""

import streamlit as st

from app.views.train import training_view

st.title("Train")
training_view.show()
