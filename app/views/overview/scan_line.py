"""What a scan has found in the model in use, in one line, or the button that starts one."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.elements import scan_verdict
from app.forms import image_chooser, scan_start
from app.frame.pages import PAGES
from engine.core.errors import UserError
from engine.reporting import verdict
from engine.store import StoredModel


def show(model: StoredModel) -> None:
    """The line; the job of a scan that was started here is shown below."""
    scan = None
    try:
        scan = caches.scans.scan(model)
        said = verdict.below_headline(model.card, scan)
    except UserError:
        said = f"{scan_verdict.UNREADABLE}."
    left, right = st.columns([5, 1], vertical_alignment="center")
    with left:
        scan_verdict.show(model, said)
    with right:
        if scan is None and image_chooser.images_available(model.card.dataset):
            scan_start.offer(model)
        else:
            PAGES["detect"].link("See the scan" if scan else "Detect")
    scan_start.watch(model)
