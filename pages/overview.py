"""The whole story on one screen: a hidden trigger, a fooled network, pruning, a repair."""

import streamlit as st

from app import caches
from app.elements import accuracy_warning
from app.forms import suspected_trigger
from app.frame import failures, header
from app.frame.pages import PAGES
from app.views.overview import presentation, repair_outcome, scan_line, story
from engine.reporting import verdict
from engine.store import summary

model = header.model_in_use()

with st.container(horizontal=True, vertical_alignment="center", key="headline"):
    st.title(verdict.headline(model.card, caches.scans.readable_scan(model)))
    presentation.offer_tour(model)
scan_line.show(model)
accuracy_warning.show(model.card)
story.show(model, header.dataset_in_use())
with failures.contained():
    repair_outcome.describe(model)
with st.container(horizontal=True, vertical_alignment="center"):
    st.caption(summary.describe(model.card), width="content")
    suspected_trigger.offer_another(model)
with st.container(horizontal=True):
    for page, label in presentation.links_from_overview(model.card).items():
        PAGES[page].link(label)
