"""Progress on the page for work of a few seconds that the server does itself."""

from __future__ import annotations

import streamlit as st

from engine.core.progress import Progress, Result, Work, exhaust


def shown(work: Work[Result]) -> Result:
    """Do `work` behind a progress bar that disappears at the end."""
    bar = st.progress(0.0, "Starting")

    def draw(event: Progress) -> None:
        share = min(event.done / event.total, 1.0) if event.total else 0.0
        bar.progress(share, event.message)

    try:
        return exhaust(work, draw)
    finally:
        bar.empty()
