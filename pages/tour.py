"""The whole story in seven steps, for somebody who presents it."""

from pathlib import Path

import streamlit as st

from app.frame import header
from app.views import tour
from app.views.tour import steps

model = header.model_in_use()
st.html(Path(tour.__file__).parent / "tour.css")
steps.show(model, header.dataset_in_use())
