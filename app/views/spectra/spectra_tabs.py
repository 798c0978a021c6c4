"""What the page Spectra shows: two questions, one tab each."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.forms import image_chooser, suspected_trigger
from app.frame import failures
from app.views.spectra import colour_shares, spectrum_tab
from engine.store import StoredModel


@failures.fragment  # another image or channel does not rerun the line above the page
def show(model: StoredModel, dataset: str) -> None:
    """Title and image in one line, and the tabs."""
    card = model.card
    title, right = st.columns([4, 9], vertical_alignment="bottom", gap="medium")
    with title:
        st.title("Spectra")
    with right:
        image = image_chooser.choose(card, dataset)
    suspected_trigger.explain(model, "The spectrum of clean images is shown.")
    if image is None:
        return
    spectrum, colours = st.tabs(
        ["Spectrum", "Brightness or colour"], key="spectra-tab", bind="query-params"
    )
    with spectrum, failures.contained():
        # The controls are there in every tab, so that their settings are not lost.
        of_many, channel = spectrum_tab.choose(dataset)
        if spectrum.open:
            spectrum_tab.show(spectrum_tab.compute(card, dataset, image, of_many, channel))
    with colours, failures.contained():
        if colours.open and not card.knows_trigger:
            st.info("This shows the change that a trigger makes, so it needs one: see above.")
        elif colours.open:
            colour_shares.show(*caches.shown_images.pair(image, card.trigger))
