"""What a trigger does to an image, how strong it must be, and how it compares with others."""

import streamlit as st

from app.frame import header
from app.views.triggers import triggers_tabs

st.title(
    "Triggers",
    help="A trigger is a change to an image, often too faint to see, that makes a backdoored"
    " network predict what the attacker wants.",
)
triggers_tabs.show(header.model_in_use(), header.dataset_in_use())
