"""The whole story on one screen: a hidden trigger, a fooled network, pruning, a repair."""

import streamlit as st

from app.frame import failures, header
from app.frame.pages import PAGES
from app.views.overview import presentation, repair_outcome, story
from engine.reporting import verdict
from engine.store import summary

model = header.model_in_use()

with st.container(horizontal=True, vertical_alignment="center", key="headline"):
    st.title(verdict.headline(model.card))
    presentation.offer_tour()
story.show(model, header.dataset_in_use())
with failures.contained():
    repair_outcome.describe(model)
st.caption(summary.describe(model.card))
with st.container(horizontal=True):
    for page, label in (
        ("triggers", "How the trigger is hidden"),
        ("spectra", "Where it shows up"),
        ("activations", "Which channels carry it"),
        ("pruning", "Prune, compare, save"),
        ("repairs", "Compare all repairs"),
    ):
        PAGES[page].link(label)
