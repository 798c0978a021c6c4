"""The page Detect: the verdict and the recovered trigger, and behind them one tab a question."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from app import caches
from app.elements import tabs
from app.frame import failures
from app.views.detect import evidence, recovered, second_opinions, sizes, verdict_view
from engine.store import StoredModel
from engine.store.scans import EVIDENCE, Scan

TAB = "detect-tab"
_STYLE = Path(__file__).with_name("detect.css")


def show(model: StoredModel, dataset: str) -> None:
    """The verdict, the pictures and the tabs.

    Args:
        model: the model in use.
        dataset: whose test images are shown.
    """
    st.html(_STYLE)
    scan, readable = None, False
    with failures.contained():  # a damaged table: a new scan replaces it
        scan = caches.scans.scan(model)
        readable = True
    verdict_view.show(model, scan, readable)
    if scan is not None and scan.trigger is not None:
        with failures.contained():
            recovered.show_pictures(model.card, scan.trigger, dataset)
    tabs.show(_tabs(model, scan, dataset), TAB)


def _tabs(model: StoredModel, scan: Scan | None, dataset: str) -> dict[str, Callable[[], None]]:
    """Label of each tab -> what draws it: those for which there is something to show."""
    bodies: dict[str, Callable[[], None]] = {}
    table = None if scan is None else caches.models.table(model, EVIDENCE)
    if scan is not None and table is not None:
        if scan.trigger is not None:
            bodies["Sample images"] = partial(recovered.show_samples, model, scan.trigger, dataset)
        bodies["Sizes by family"] = partial(sizes.show, model, scan, table)
        bodies["Evidence"] = partial(evidence.show, model, table)
    bodies["Second opinions"] = partial(second_opinions.show, model)
    return {label: partial(_contained, draw) for label, draw in bodies.items()}


def _contained(draw: Callable[[], None]) -> None:
    """One table or network that cannot be used costs its own tab alone."""
    with failures.contained():
        draw()
