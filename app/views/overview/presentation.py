"""What Overview offers to somebody who presents: the tour, and a slide of the view."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.frame.pages import PAGES
from engine.defenses.pruning.curve import Curve
from engine.reporting import slide
from engine.store import ModelCard, StoredModel


def links_from_overview(card: ModelCard) -> dict[str, str]:
    """Where Overview leads on: name of a page -> what is to be seen there."""
    shared = {"pruning": "Prune, compare, save", "repairs": "Compare all repairs"}
    if not card.knows_trigger:
        return {"activations": "What its channels respond to", **shared}
    return {
        "triggers": "How the trigger is hidden",
        "spectra": "Where it shows up",
        "activations": "Which channels carry it",
        **shared,
    }


def offer_tour(model: StoredModel) -> None:
    """A link, which looks like the page's main button, to the first step of the tour.

    The tour is about a trigger: where none is known there is no link.
    """
    if not model.card.knows_trigger:
        return
    with st.container(key="main-link", width="content"):
        st.page_link(
            PAGES["tour"].script,
            label="Take the tour",
            icon=":material/slideshow:",
            query_params={"step": "1"},
        )


def offer_slide(
    model: StoredModel,
    chosen: ChosenImage,
    curve: Curve | None,
    step: int,
    networks: dict[str, np.ndarray],
) -> None:
    """A button that gives the view as a picture for a presentation.

    Args:
        model: the model in use.
        chosen: the image shown.
        curve, step: the pruning curve and where the threshold cuts it.
        networks: see `predictions.compare`.
    """

    def draw() -> bytes:
        images = list(caches.shown_images.variants(chosen, model.card.trigger))
        title = caches.models.model_titles().get(model.name, model.name)
        scan, ceiling = caches.scans.readable_scan(model), caches.repairs.recovery_ceiling(model)
        view = slide.View(model.card, title, images, chosen.label, networks, scan, ceiling)
        return slide.png(view, curve, step)

    st.download_button(
        "Slide (PNG)",
        draw,
        f"{model.name}.png",
        "image/png",
        key="slide",
        icon=":material/present_to_all:",
        on_click="ignore",
        help="This view as a picture of 1920 x 1080 pixels, for a presentation.",
    )
