"""Progress on the page for work of a few seconds that the server does itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from engine.core.progress import Progress, reporting_to


@contextmanager
def show_progress() -> Iterator[None]:
    """Show what work within the block reports in a progress bar that disappears at the end."""
    bar = st.progress(0.0, "Starting")

    def draw(event: Progress) -> None:
        share = min(event.done / event.total, 1.0) if event.total else 0.0
        bar.progress(share, event.message)

    try:
        with reporting_to(draw):
            yield
    finally:
        bar.empty()
