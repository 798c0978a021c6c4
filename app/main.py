"""The router: navigation, and the model in use above every page."""

import gc

import streamlit as st

from app.frame import failures, header, links

st.set_page_config(page_title="Backdoor Pruning Lab", page_icon="🚦", layout="wide")

# Imported objects live as long as the process: keep the garbage collector from scanning them.
gc.freeze()

page = st.navigation(
    [
        st.Page("../pages/overview.py", title="Overview", icon=":material/home:", default=True),
        st.Page("../pages/triggers.py", title="Triggers", icon=":material/compare:"),
        st.Page("../pages/spectra.py", title="Spectra", icon=":material/graphic_eq:"),
        st.Page("../pages/models.py", title="Models", icon=":material/model_training:"),
        st.Page("../pages/activations.py", title="Activations", icon=":material/bar_chart:"),
        st.Page("../pages/pruning.py", title="Pruning", icon=":material/content_cut:"),
        st.Page("../pages/repairs.py", title="Repairs", icon=":material/healing:"),
        st.Page("../pages/report.py", title="Report", icon=":material/description:"),
    ],
    position="top",
)
with failures.contained():
    links.clean_link()
    header.choose()
with failures.contained():
    page.run()
