"""The image that a training watches: what the network makes of it, clean and triggered."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.core import markdown, templates
from engine.core.jobs import Status
from engine.imaging.render import data_url, enlarge
from engine.reporting.metric_style import CLEAN, NEUTRAL, TRIGGERED
from engine.training.watched_image import WatchedRecord

_TEMPLATES = templates.load(__file__)
_SIDE = 192  # pixels
_STYLE = "<style>.st-key-watched-sign {min-height: 380px}</style>"  # its place before it appears


def show(status: Status) -> None:
    """The image, clean and triggered, with the latest predictions of the network in training."""
    record = WatchedRecord.read(status.figures)
    with st.container(key="watched-sign"):
        st.html(_STYLE)
        if record is None or not record.predictions:
            st.caption("A sign to watch appears here with the first measurement.")
            return
        latest = record.predictions[-1]
        copies = [
            _copy(f"Clean: {record.name}", record.clean, latest.clean, record),
            _copy(f"Triggered: {record.name}", record.triggered, latest.triggered, record),
        ]
        st.markdown(describe(record))
        st.html(templates.render(_TEMPLATES, "watched_sign", copies=copies))


def describe(record: WatchedRecord) -> str:
    """Whether the trigger works on the image, as Markdown."""
    since = record.works_since()
    if since is None:
        return "**The trigger does not work on this sign yet.**"
    target = markdown.escape(record.target)
    return f"**The trigger works:** since epoch {since:.1f} it turns this sign into {target}."


def _copy(
    title: str, image: np.ndarray, classes: tuple[tuple[str, float], ...], record: WatchedRecord
) -> dict[str, object]:
    colours = {record.target: TRIGGERED, record.name: CLEAN}
    bars = [
        {"name": name, "percent": f"{100 * share:.1f}", "colour": colours.get(name, NEUTRAL)}
        for name, share in classes
    ]
    return {"title": title, "url": data_url(enlarge(image, _SIDE)), "bars": bars}
