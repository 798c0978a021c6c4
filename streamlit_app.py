"""The door: `streamlit run` finds it here."""

import streamlit as st

app = st.App("app/main.py")
