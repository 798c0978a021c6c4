"""Two networks side by side: one image, all images, and pruning."""

from functools import partial

import streamlit as st

from app.elements import tabs
from app.forms import suspected_trigger
from app.frame import header
from app.views.compare import confusion, curve_comparison, image_comparison, network_choice

st.title("Compare")
model = header.model_in_use()
dataset = header.dataset_in_use()
suspected_trigger.explain(model, "Clean images alone are compared.")
both = network_choice.choose(network_choice.offered(model))
tabs.show(
    {
        "One image": partial(image_comparison.show, model, dataset, both),
        "All test images": partial(confusion.show, model, dataset, both),
        "Pruning curves": partial(curve_comparison.show, both),
    },
    "compare-tab",
)
