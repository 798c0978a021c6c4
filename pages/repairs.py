"""Every repair on one model, best first."""

import streamlit as st

from app.elements import accuracy_warning
from app.forms import suspected_trigger
from app.frame import header
from app.views.repairs import repairs_tabs

st.title("Repairs")
model = header.model_in_use()
if model.card.knows_trigger:
    st.markdown(
        "**Look at the green bars:** attack success can fall to 0 while every triggered image is"
        " still misclassified. Only recovered accuracy shows a repair."
    )
accuracy_warning.show(model.card)
suspected_trigger.explain_at_length(model)
repairs_tabs.show(model, header.dataset_in_use())
