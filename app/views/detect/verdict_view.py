"""The verdict of the scan, and the button that starts one."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.elements import scan_verdict
from app.forms import scan_start
from engine.core import markdown
from engine.reporting import verdict
from engine.store import StoredModel
from engine.store.scans import SEARCHED, Scan


def show(model: StoredModel, scan: Scan | None, readable: bool) -> None:
    """The verdict, and beside it the button.

    Args:
        model: the model in use.
        scan: what a scan has found in it; None if there is none.
        readable: False if there is one that cannot be read.
    """
    title = verdict.name_finding(scan) if readable else scan_verdict.UNREADABLE
    found = "-found" if scan is not None and scan.found else ""
    with st.container(key=f"scan-verdict{found}"):
        left, right = st.columns([5, 1], vertical_alignment="center")
        with left:
            st.header(markdown.escape(title))
            st.markdown(_explain(model, scan))
        with right:
            scan_start.offer(model, scan_start.LABEL if scan is None else scan_start.AGAIN)
    scan_start.watch(model)


def _explain(model: StoredModel, scan: Scan | None) -> str:
    """What stands below the heading, as Markdown."""
    if scan is None:
        return (
            "The scan needs the network and clean images, nothing else: no trigger and no triggered"
            " images. It takes a minute or two."
        )
    found = markdown.escape(verdict.explain_finding(model.card, scan))
    if scan.found:
        return found
    return (
        f"**{found}** {SEARCHED} {verdict.describe_rates(caches.scans.detector_rates())}".rstrip()
    )
