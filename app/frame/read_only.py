"""What pages show in place of controls in read-only mode."""

from __future__ import annotations

import streamlit as st

from engine.core.read_only import SENTENCE, is_read_only


def is_explained() -> bool:
    """Explain read-only mode, if it is on; whether it is."""
    if is_read_only():
        st.info(SENTENCE, icon=":material/lock:")
    return is_read_only()
