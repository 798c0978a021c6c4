"""One image before and after pruning and repair, beside the pruning curve."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.elements import picture, predictions, scores
from app.forms import image_chooser, suspected_trigger, threshold_slider
from app.frame import failures
from app.views.overview import presentation, repair_outcome
from app.views.pruning import pruning_curve
from engine.defenses.pruning.curve import Curve
from engine.reporting.metric_style import image_kinds
from engine.store import StoredModel, pruning_curves

_ALONE = 300  # width of a picture that has no triggered copy beside it, pixels


@failures.fragment  # neither another image nor a moved threshold reruns the rest of the page
def show(model: StoredModel, dataset: str) -> None:
    """Everything that the image and the threshold change."""
    left, right = st.columns([5, 6], gap="large")
    with left:
        chosen = image_chooser.choose(model.card, dataset)
        if chosen is not None:
            _show_pair(model, chosen)
    with right:
        curve, step = _show_pruning(model)
        below = st.container()
    with left, failures.contained():  # the NumPy runtime does not support every network
        if chosen is not None:
            networks = repair_outcome.predictions_by_network(model, chosen, curve, step)
            predictions.compare(networks, chosen.label, model.card)
            with below:
                presentation.offer_slide(model, chosen, curve, step, networks)


def _show_pair(model: StoredModel, chosen: ChosenImage) -> None:
    images = zip(
        image_kinds(model.card),
        caches.shown_images.variants(chosen, model.card.trigger),
        strict=True,
    )
    with st.container(horizontal=True, key="pair"):
        for kind, image in images:
            with st.container(width="stretch" if model.card.knows_trigger else _ALONE):
                picture.show(image, f"{kind}: {chosen.name}")


def _show_pruning(model: StoredModel) -> tuple[Curve | None, int]:
    """The first curve of the model, if it has one, and the step at the threshold."""
    suspected_trigger.explain_at_length(model, scan_shown=True)
    for layer, order in pruning_curves.stored_curves(model)[:1]:
        curve = caches.models.curve(model, layer, order)
        if curve is not None:
            threshold_slider.show()
            step = threshold_slider.chosen_step(model, curve)
            pruning_curve.show_at_step(model, curve, step, "overview-curve", 250)
            return curve, step
    scores.show(model.card.scores["test"], model)
    pruning_curve.offer_to_compute(model)
    return None, 0
