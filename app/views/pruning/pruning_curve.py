"""A pruning curve, and the metrics of the network pruned along it."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from app import caches
from app.charts import pruning_charts
from app.elements import chart_view, job_panel, scores
from app.forms import image_chooser, threshold_slider
from app.frame import failures
from engine.core import jobs
from engine.defenses.pruning.curve import Curve
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.experiments import recovery_ceiling
from engine.reporting import export, paper_figures, verdict
from engine.reporting.metric_style import scores_of
from engine.store import ModelCard, StoredModel, pruning_curves


def show_at_step(model: StoredModel, curve: Curve, step: int, name: str, height: int = 300) -> None:
    """The verdict, the metrics and the curve with that many channels pruned."""
    st.markdown(describe_step(curve, step, model.card.assumed))
    scores.show(curve.test.iloc[step], model, curve.test.iloc[0])
    show_draggable(model, curve, step, name, height)
    st.caption(describe_choice(curve, step))


def offer_to_compute(model: StoredModel, layer: str = "", order: str = DEFAULT_ORDER) -> None:
    """A button that computes a curve as a job.

    Args:
        model: the model in use.
        layer: the convolution to prune; empty for the last.
        order: of pruning.
    """
    layers = caches.models.convolutions(model)
    if not layers:
        st.info("This network has no convolution to prune.")
        return
    layer = layer or layers[-1]
    job_name = jobs.name_of("prune", model.name, layer, order)
    st.info("The pruning curve of this model has not been computed yet.")
    if image_chooser.images_available(model.card.dataset):
        job_panel.start_button(
            "Compute the curve",
            job_name,
            ["prune", model.name, "--layer", layer, "--order", order],
            "Runs the network once over validation and test images"
            f"{', clean and triggered' if model.card.knows_trigger else ''}.",
        )
    else:
        image_chooser.offer_download(model.card.dataset)
    job_panel.watch(job_name, partial(show_so_far, model.card))


def show_so_far(card: ModelCard, status: jobs.Status) -> None:
    """The curve on the images processed so far."""
    styles = scores_of(card)
    table = status.table("curve", ["fraction", *styles])
    if table is not None:
        chart_view.show(
            paper_figures.pruning_curve(table, None, styles).properties(height=300),
            table,
            "curve-so-far",
            f"{_name_metrics(card)} on the test images processed so far.",
        )


def show_draggable(
    model: StoredModel, curve: Curve, step: int, name: str, height: int = 300
) -> None:
    """The curve with a rule to drag, which moves the threshold."""

    @failures.callback
    def move_slider() -> None:
        selected = st.session_state[name].selection.get("drag", [])
        dragged_to = selected[0].get("step") if selected else None
        if isinstance(dragged_to, int) and 0 <= dragged_to <= len(curve.channels):
            threshold_slider.cut_at(model, curve, dragged_to)

    def draw() -> export.Chart:
        chart = pruning_charts.draggable_curve(curve.test, step, scores_of(model.card))
        return chart.properties(height=height)

    share = float(curve.test["fraction"].iloc[step])
    key = (*caches.models.version(model), curve.layer, curve.order, "draggable", height)
    chart_view.show_spec(
        pruning_charts.move_rule(caches.charts.chart_spec(key, draw), step),
        draw,
        curve.test,
        name,
        f"{_name_metrics(model.card)} on test images against the share of channels pruned. The"
        f" line at {share:.0%} follows the slider.",
        on_select=move_slider,
        selection_mode="drag",
    )


def _name_metrics(card: ModelCard) -> str:
    """The metrics in a chart, for its text alternative."""
    first, *others = (style.label for style in scores_of(card).values())
    rest = " and ".join(label.lower() for label in others)
    return f"{first}, {rest}" if rest else first


def describe_step(curve: Curve, step: int, assumed: bool = False) -> str:
    """How many channels are pruned, and the verdict, as Markdown.

    Args:
        curve: along which they are pruned.
        step: how many.
        assumed: whether the trigger is an assumed one.
    """
    if not step:
        return "**Nothing is pruned yet.** Move the slider."
    row = curve.test.iloc[step]
    pruned = f"**{step} of {len(curve.channels)} channels pruned ({row['fraction']:.0%}).**"
    return f"{pruned} {verdict.of_model(row, assumed)}"


def describe_choice(curve: Curve, step: int) -> str:
    """Why the drop shown is not the threshold: one is of validation images, one of test images."""
    if not step:
        return ""
    validation, test = (
        table["clean_accuracy"].iloc[0] - table["clean_accuracy"].iloc[step]
        for table in (curve.validation, curve.test)
    )
    return (
        f"Validation images chose this step: there clean accuracy fell by {validation:.1f} points,"
        f" on the test images shown here by {test:.1f}."
    )


def show_repaired_bars(model: StoredModel, curve: Curve, table: pd.DataFrame) -> None:
    """Figure 8: the metrics at several thresholds."""

    def draw() -> export.Chart:
        return paper_figures.repaired_bars(table, scores_of(model.card)).properties(height=300)

    key = (*caches.models.version(model), curve.layer, curve.order, "bars", *table["threshold"])
    chart_view.show_spec(
        caches.charts.chart_spec(key, draw),
        draw,
        table,
        "repaired-networks",
        f"{_name_metrics(model.card)} of the network pruned up to each threshold.",
    )


def compare_orders(model: StoredModel, layer: str) -> None:
    """All computed curves of a convolution in one chart."""
    known = [order for found, order in pruning_curves.stored_curves(model) if found == layer]
    chosen = st.multiselect(
        "Orders to compare",
        known,
        default=known,
        format_func=lambda name: ORDERS[name].title,
        key=f"orders-{model.name}-{layer}",
        help="Orders whose curve has been computed. To compute another, choose it above.",
    )
    tables = {
        ORDERS[order].title: found.test
        for order in chosen
        if (found := caches.models.curve(model, layer, order)) is not None
    }
    if not tables:
        st.info("Choose at least one order.")
        return

    def draw() -> export.Chart:
        return paper_figures.orders_compared(tables, styles=scores_of(model.card))

    with st.container(key="orders"):
        chart_view.show_spec(
            caches.charts.chart_spec(
                (*caches.models.version(model), layer, "orders", *chosen), draw
            ),
            draw,
            pd.concat([table.assign(order=title) for title, table in tables.items()]),
            "orders-compared",
            f"{_name_metrics(model.card)} for {len(tables)} pruning orders.",
        )
    if model.card.knows_trigger:
        st.caption(
            "Oracle orders use triggered images, which a defender does not have: they show what"
            " could be achieved with them."
        )


def show_threshold_table(model: StoredModel, table: pd.DataFrame) -> None:
    """The metrics of the pruned network at several thresholds."""
    card = model.card
    table = recovery_ceiling.add_share(table, caches.repairs.recovery_ceiling(model))
    st.dataframe(
        table.assign(fraction=100 * table["fraction"]),
        hide_index=True,
        column_config=scores.columns(
            card,
            threshold="%.1f",
            step=None,
            fraction="%.0f",
            validation_accuracy="%.1f",
            **dict.fromkeys((*scores_of(card), "recovered_of_ceiling"), "%.1f"),
        ),
    )
