"""The router: navigation, and the model in use above every page."""

import gc

import streamlit as st

from app.frame import address, failures, header, links, pages

st.set_page_config(page_title="Backdoor Pruning Lab", page_icon="🚦", layout="wide")

# Imported objects live as long as the process: keep the garbage collector from scanning them.
gc.freeze()

page = pages.navigation()
with failures.contained():
    links.clean_link()
    address.restore()
    header.choose()
with failures.contained():
    page.run()
address.remember()
