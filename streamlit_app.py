"""The entry point for `streamlit run`."""

import streamlit as st
from starlette.middleware import Middleware

from app.frame import failures
from app.frame.security import SecurityHeaders

app = st.App(
    "app/main.py",
    middleware=[Middleware(SecurityHeaders)],
    on_script_error=failures.show_escaped,
)
