"""Bring a network from elsewhere: its images, its file, and the first scores."""

import streamlit as st

from app.frame import read_only
from app.views.own_model import first_scores, images_step, network_step

st.title("Check your own model")
if read_only.is_explained():
    st.stop()
left, right = st.columns([5, 7], gap="large")
with left:
    dataset = images_step.show()
    network_step.show(dataset)
with right:
    if not network_step.show_outcome():
        first_scores.show()
    network_step.show_others()
