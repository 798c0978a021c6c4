"""Every repair on one model, best first, and what a detector finds in it."""

import streamlit as st

from app.frame import header
from app.views.repairs import repairs_tabs

st.title("Repairs")
st.markdown(
    "**Look at the green bars:** attack success can fall to 0 while every triggered image is still"
    " misclassified. Only recovered accuracy shows a repair."
)
repairs_tabs.show(header.model_in_use(), header.dataset_in_use())
