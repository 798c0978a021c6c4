"""Whether the network hides a backdoor: the verdict, the recovered trigger, the evidence."""

import streamlit as st

from app.elements import accuracy_warning
from app.forms import suspected_trigger
from app.frame import header
from app.views.detect import detect_view

st.title("Detect")
model = header.model_in_use()
accuracy_warning.show(model.card)
detect_view.show(model, header.dataset_in_use())
suspected_trigger.explain(model, scan_shown=True)
