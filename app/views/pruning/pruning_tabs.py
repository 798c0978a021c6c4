"""Everything that follows the threshold on the page Pruning, one tab a question."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import caches
from app.elements import tabs
from app.elements.film import film
from app.forms import image_chooser, threshold_slider
from app.frame import address, failures
from app.views.overview import presentation, repair_outcome
from app.views.pruning import before_after, pruning_curve, save_pruned
from engine.defenses.pruning.curve import PAPER_THRESHOLDS, Curve
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.store import StoredModel


@failures.fragment  # a move of the threshold reruns only this part of the page
def show(model: StoredModel, dataset: str, curve: Curve) -> None:
    """The threshold and, below it, the tabs; only the open one is drawn."""
    address.hold(threshold_slider.THRESHOLD)
    tabs.show(
        {
            "Prune": partial(_show_film_and_curve, model, dataset, curve),
            "Before and after": partial(_show_images, model, dataset, curve),
            "Thresholds": partial(_show_thresholds, model, curve),
            "Orders": partial(pruning_curve.compare_orders, model, curve.layer),
            "Save": partial(_offer_to_save, model, curve),
        },
        "pruning-tab",
    )


def _show_film_and_curve(model: StoredModel, dataset: str, curve: Curve) -> None:
    left, right = st.columns([5, 6], gap="large")
    with left:
        threshold_slider.show()
        step = threshold_slider.chosen_step(model, curve)
        film(
            curve.test,
            caches.clean_activations(model, curve.layer),
            step,
            "film",
            lambda moved: threshold_slider.cut_at(model, curve, moved),
        )
        weakest_first = " The weakest are pruned first." if curve.order == DEFAULT_ORDER else ""
        st.caption(
            "Each square is a channel: the darker, the stronger it responds to clean images."
            f"{weakest_first}"
        )
    with right:
        pruning_curve.show_at_step(model, curve, step, "pruning-curve")
        with failures.contained():  # the NumPy runtime does not support every network
            chosen = image_chooser.without_controls(model.card, dataset)
            if chosen is not None:
                networks = repair_outcome.predictions_by_network(model, chosen, curve, step)
                presentation.offer_slide(model, chosen, curve, step, networks)


def _show_images(model: StoredModel, dataset: str, curve: Curve) -> None:
    with st.container(width=560):
        threshold_slider.show()
    step = threshold_slider.chosen_step(model, curve)
    st.markdown(pruning_curve.describe_step(curve, step))
    if not image_chooser.images_available(dataset):
        image_chooser.offer_download(dataset)
        return
    with failures.contained():  # a network that cannot run here can still be saved
        before_after.show(model, dataset, curve.layer, curve.order, step)


def _offer_to_save(model: StoredModel, curve: Curve) -> None:
    save_pruned.offer(model, curve, threshold_slider.show())


def _show_thresholds(model: StoredModel, curve: Curve) -> None:
    threshold = threshold_slider.show()
    chosen = sorted({*PAPER_THRESHOLDS, threshold} - {0.0})
    pruning_curve.show_threshold_table(curve.at_thresholds(chosen))
    st.caption(
        "The step is chosen on clean validation images; all figures but validation accuracy come"
        " from held-out test images. Attack success and recovered accuracy leave out images of the"
        " target class."
    )
    pruning_curve.show_repaired_bars(model, curve, curve.at_thresholds(PAPER_THRESHOLDS))
