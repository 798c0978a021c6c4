"""What a scan has found in a model, in a line with a small picture of the recovered trigger."""

from __future__ import annotations

import streamlit as st

from app import caches
from engine.core import templates
from engine.core.errors import UserError
from engine.reporting import verdict
from engine.reporting.metric_style import TRIGGERED
from engine.store import StoredModel

UNREADABLE = "The stored scan cannot be read"  # the page Detect says why
_TEMPLATES = templates.load(__file__)


def show_briefly(model: StoredModel) -> None:
    """The finding, short enough for a narrow card."""
    try:
        finding = verdict.name_finding_briefly(caches.scans.scan(model))
    except UserError:
        finding = UNREADABLE
    show(model, finding, size=0.8)


def show(model: StoredModel, finding: str, about: str = "", size: float = 1.0) -> None:
    """A sentence beside the picture, if a trigger was recovered.

    Args:
        model: that was scanned.
        finding: plain text.
        about: stands before it, bold.
        size: of the letters, rem.
    """
    try:
        url = caches.scans.recovered_url(model)
    except UserError:
        url = ""
    shown = {"finding": finding, "about": about, "url": url, "colour": TRIGGERED, "size": size}
    st.html(templates.render(_TEMPLATES, "scan_verdict", **shown))
