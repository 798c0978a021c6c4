"""The door: `streamlit run` finds it here."""

import streamlit as st

from app import failures

app = st.App("app/main.py", on_script_error=failures.show_escaped)
