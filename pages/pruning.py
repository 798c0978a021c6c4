"""The paper's defence: pruning channel by channel, up to a threshold."""

import streamlit as st

from app.frame import header
from app.views.pruning import pruning_tabs

st.title("Pruning")
pruning_tabs.show(header.model_in_use(), header.dataset_in_use())
