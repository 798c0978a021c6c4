"""The paper's defence: pruning channel by channel, up to a threshold."""

import streamlit as st

from app.elements import accuracy_warning
from app.forms import suspected_trigger
from app.frame import header
from app.views.pruning import pruning_tabs

st.title("Pruning")
model = header.model_in_use()
accuracy_warning.show(model.card)
suspected_trigger.explain(model)
pruning_tabs.show(model, header.dataset_in_use())
