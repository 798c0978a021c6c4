"""Everything that follows the threshold on the page Pruning, one tab a question."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import caches
from app.elements import tabs
from app.elements.film import film
from app.forms import curve_chooser, image_chooser, threshold_slider
from app.frame import failures
from app.views.overview import presentation, repair_outcome
from app.views.pruning import before_after, pruning_curve, save_pruned
from engine.defenses.pruning.curve import PAPER_THRESHOLDS, Curve
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS, OracleOrder
from engine.reporting.metric_style import scores_of
from engine.store import StoredModel, summary


@failures.fragment  # a move of the threshold reruns only this part of the page
def show(model: StoredModel, dataset: str) -> None:
    """The curve and the threshold in one line; below it the tabs, of which one is drawn.

    The slider stands above the tabs because all of them follow it: a control that moves from one
    tab to another would lose its place in the address.
    """
    layers = caches.models.convolutions(model)
    with st.container(horizontal=True, vertical_alignment="bottom", key="curve-chooser"):
        layer, order = curve_chooser.choose_curve(layers, model.card.knows_trigger)
        curve = caches.models.curve(model, layer, order)
        if curve is not None:
            with st.container(width=480):
                threshold = threshold_slider.show()
    _describe_order(model, order)
    if curve is None:
        st.markdown(
            "Pruning switches off the channels of one convolution, one by one. The curve shows"
            " what that costs, and whether it helps."
        )
        pruning_curve.offer_to_compute(model, layer, order)
        return
    tabs.show(
        {
            "Prune": partial(_show_film_and_curve, model, dataset, curve),
            "Before and after": partial(_show_images, model, dataset, curve),
            "Thresholds": partial(_show_thresholds, model, curve, threshold),
            "Orders": partial(pruning_curve.compare_orders, model, curve.layer),
            "Save": partial(_offer_to_save, model, curve, threshold),
        },
        "pruning-tab",
    )


def _describe_order(model: StoredModel, order: str) -> None:
    """What is special about the order, and about an attack that reckons with pruning."""
    if isinstance(ORDERS[order], OracleOrder):
        st.caption(
            ":material/visibility: This order is an *oracle*: it uses triggered images, which a"
            " defender does not have. It shows what could be achieved with them."
        )
    if dormant := summary.describe_dormant(model.card):
        st.caption(f":material/bedtime: This attack is pruning-aware. {dormant}")


def _show_film_and_curve(model: StoredModel, dataset: str, curve: Curve) -> None:
    left, right = st.columns([5, 6], gap="large")
    with left:
        step = threshold_slider.chosen_step(model, curve)
        film(
            curve.test,
            caches.models.clean_activations(model, curve.layer),
            step,
            "film",
            lambda moved: threshold_slider.cut_at(model, curve, moved),
            scores_of(model.card),
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
    step = threshold_slider.chosen_step(model, curve)
    st.markdown(pruning_curve.describe_step(curve, step, model.card.assumed))
    if not image_chooser.images_available(dataset):
        image_chooser.offer_download(dataset)
        return
    with failures.contained():  # a network that cannot run here can still be saved
        before_after.show(model, dataset, curve.layer, curve.order, step)


def _offer_to_save(model: StoredModel, curve: Curve, threshold: float) -> None:
    save_pruned.offer(model, curve, threshold)


def _show_thresholds(model: StoredModel, curve: Curve, threshold: float) -> None:
    chosen = sorted({*PAPER_THRESHOLDS, threshold} - {0.0})
    pruning_curve.show_threshold_table(model, curve.at_thresholds(chosen))
    st.caption(
        "The step is chosen on clean validation images; all figures but validation accuracy come"
        " from held-out test images."
        + (
            " Attack success and recovered accuracy leave out images of the target class."
            if model.card.knows_trigger
            else ""
        )
    )
    pruning_curve.show_repaired_bars(model, curve, curve.at_thresholds(PAPER_THRESHOLDS))
