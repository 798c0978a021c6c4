"""What the report shows, and the report itself."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.forms import curve_chooser, image_chooser, threshold_slider
from app.frame.pages import PAGES
from engine.reporting import model_report
from engine.reporting.model_report import Example, View
from engine.store import StoredModel

_MADE = "report-made"


def choose(model: StoredModel, dataset: str, layers: list[str]) -> tuple[View, Example | None]:
    """Controls for the pruning curve, the threshold and the image."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer, order = curve_chooser.choose_curve(layers, model.card.knows_trigger)
        with st.container(width=360):
            threshold = threshold_slider.show()
    chosen = image_chooser.choose(model.card, dataset)
    if caches.models.curve(model, layer, order) is None:
        st.info("This pruning curve has not been computed yet. The report will say so.")
        PAGES["pruning"].link("Compute it on the page Pruning")
    view = View(layer, order, threshold)
    if chosen is None:
        return view, None
    if chosen.is_own:
        return view, Example(chosen.clean, chosen.label, "A picture of our own")
    index = int(chosen.key[2])
    return view, Example(chosen.clean, chosen.label, f"Test image {index}", index)


def offer(model: StoredModel, dataset: str, view: View, example: Example | None) -> None:
    """A button that makes the report, then the report to look at and to download."""
    index = None if example is None else example.index
    command = model_report.command(model, dataset, view, index)
    content = "" if example is None else example.clean.tobytes()
    wanted = command, content
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Make the report", type="primary", icon=":material/description:"):
            with st.spinner("Drawing the charts"):
                text = model_report.html(model, view, example, command)
            st.session_state[_MADE] = wanted, text
        made_for, made = st.session_state.get(_MADE, (None, ""))
        if made and made_for == wanted:
            st.download_button(
                "Download it (HTML)",
                made,
                f"report-{model.name}.html",
                "text/html",
                icon=":material/download:",
                on_click="ignore",
            )
        elif made:
            st.caption("The settings have changed since the report was made: make it again.")
    if made and made_for == wanted:
        st.iframe(made, height=640, alt="The report")
    with st.expander("The same from a terminal"):
        st.code(command, language=None, wrap_lines=True)
        if example is not None and example.index is None:
            st.caption("From a terminal the report has no picture of your own.")
