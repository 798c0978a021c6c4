"""The chosen view as one file, to print or send."""

import streamlit as st

from app import caches
from app.elements import accuracy_warning
from app.forms import suspected_trigger
from app.frame import header
from app.views.report import report_view

st.title("Report")
st.markdown(
    "One **printable file** for the person who decides: the verdict first, then the evidence, then"
    " settings and commands. It opens in any browser without this program, and sends no data"
    " anywhere."
)
model = header.model_in_use()
accuracy_warning.show(model.card)
suspected_trigger.explain(model, "The report says so.")
view, example = report_view.choose(
    model, header.dataset_in_use(), caches.models.convolutions(model)
)
report_view.offer(model, header.dataset_in_use(), view, example)
