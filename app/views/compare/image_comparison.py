"""One image under both networks."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.elements import picture, predictions
from app.forms import image_chooser
from app.frame import failures
from app.views.compare.network_choice import Network
from engine.core import markdown
from engine.reporting.metric_style import image_kinds
from engine.store import StoredModel


def show(model: StoredModel, dataset: str, both: tuple[Network, Network]) -> None:
    """The image, clean and triggered, and both networks' likeliest classes.

    Args:
        model: the model in use, whose trigger is applied.
        dataset: whose images are shown.
        both: the networks.
    """
    chosen = image_chooser.choose(model.card, dataset)
    if chosen is None:
        return
    with failures.contained():  # the NumPy runtime does not support every network
        found = {network.title: network.predictions(model, chosen) for network in both}
        images = caches.shown_images.variants(chosen, model.card.trigger)
        kinds = zip(image_kinds(model.card), images, strict=True)
        for column, (place, (kind, image)) in zip(
            st.columns(2, gap="large"), enumerate(kinds), strict=False
        ):
            with column:
                shown, classes = st.columns([1, 2])
                with shown:
                    picture.show(image, f"{kind}: {chosen.name}", 192)
                with classes:
                    for title, probabilities in found.items():
                        shares = probabilities[place]
                        outcome = predictions.describe(shares, chosen.label, model.card)
                        st.markdown(f"**{markdown.escape(title)}:** {outcome}")
                        predictions.show(shares, chosen.label, model.card)
