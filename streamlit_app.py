"""The door: `streamlit run` finds it here."""

import streamlit as st
from starlette.middleware import Middleware

from app import failures
from app.security import SecurityHeaders

app = st.App(
    "app/main.py",
    middleware=[Middleware(SecurityHeaders)],
    on_script_error=failures.show_escaped,
)
