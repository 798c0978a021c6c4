"""The visitor's own pictures: crop them, and see what the network makes of them."""

import streamlit as st

from app import own_pictures
from app.forms import own_picture_form
from app.frame import failures, header
from app.frame.pages import PAGES
from app.views.pictures import editor, prediction_table

st.title("Your pictures")
model = header.model_in_use()
known = own_pictures.pictures()
left, right = st.columns([5, 6], gap="large")
with left:
    st.markdown(
        "Add pictures of your own. They stay in this session, on this computer: nothing is stored"
        " or sent elsewhere."
    )
    own_picture_form.add()
    if known:
        chosen = own_picture_form.choose_in_use()
        with failures.contained():
            editor.show(chosen, model.card)
with right:
    if known:
        with failures.contained():  # the NumPy runtime does not support every network
            prediction_table.show(model)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("The chosen picture is now shown on every page:", width="content")
            for page in ("overview", "triggers", "spectra", "activations", "repairs"):
                PAGES[page].link()
    else:
        st.info(
            "No pictures yet: upload some, paste one, use the camera, or take the ten sample signs."
        )
