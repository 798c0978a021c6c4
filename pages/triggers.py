"""What a trigger does to an image, how strong it must be, and how it compares with others."""

import streamlit as st

from app.forms import suspected_trigger
from app.frame import header
from app.views.triggers import triggers_tabs

st.title(
    "Triggers",
    help="A trigger is a change to an image, often too faint to see, that makes a backdoored"
    " network predict what the attacker wants.",
)
model = header.model_in_use()
suspected_trigger.explain(model, "Any trigger can be tried on it here.")
triggers_tabs.show(model, header.dataset_in_use())
