"""A pruning curve with a threshold to set, and the pruned network's metrics."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app import caches
from app.charts import pruning_charts
from app.elements import chart_view, job_panel, scores
from app.forms import image_chooser
from app.frame import address, failures
from engine.core import jobs
from engine.defenses.pruning.curve import Curve, threshold_at
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.evaluation.metrics import METRICS
from engine.reporting import export, paper_figures, verdict
from engine.store import StoredModel, pruning_curves

THRESHOLD = "threshold"  # key of the slider on every page that has one
USUAL_THRESHOLD = 20.0  # percentage points: there the attack falls, and few images recover
MAX_THRESHOLD = 60.0  # percentage points, like STEP
STEP = 0.5
_BY_HAND, _CHANNELS = "cut-by-hand", "channels"


@dataclass(frozen=True)
class CutByHand:
    """A number of channels that the visitor chose on the film or the curve.

    Attributes:
        of: the model, the convolution and the order it belongs to.
        step: how many channels are pruned.
    """

    of: tuple[str, str, str]
    step: int


def choose_curve(layers: list[str]) -> tuple[str, str]:
    """Controls for the convolution, one of `layers`, and the order; the address keeps both."""
    layer = st.selectbox(
        "Layer to prune",
        layers,
        index=len(layers) - 1,
        key="convolution",
        bind="query-params",
        help="The paper prunes the last convolution. Any other takes minutes, not seconds.",
        width=180,
    )
    return layer, choose_order()


def choose_order() -> str:
    """A control for the pruning order; the address keeps it."""
    chosen: str = st.selectbox(
        "Pruning order",
        list(ORDERS),
        index=list(ORDERS).index(DEFAULT_ORDER),
        format_func=lambda name: ORDERS[name].title,
        key="order",
        bind="query-params",
        help="An oracle uses triggered images, which a defender does not have.",
        width=380,
    )
    return chosen


def threshold_slider() -> float:
    """The allowed drop of clean accuracy, percentage points; 0 leaves the network as it is."""
    return st.slider(
        "Stop once clean accuracy falls by (points)",
        min_value=0.0,
        max_value=MAX_THRESHOLD,
        value=USUAL_THRESHOLD,
        step=STEP,
        format="%.1f",
        key=THRESHOLD,
        help="Pruning stops at the first step where accuracy on clean validation images has"
        " dropped by this many percentage points. Attack success plays no part: a defender cannot"
        " measure it.",
        bind="query-params",
        on_change=_forget_cut,
    )


def cut_at(model: StoredModel, curve: Curve, step: int) -> None:
    """Prune exactly that many channels; the slider shows the drop that goes with them."""
    st.session_state[_BY_HAND] = CutByHand((model.name, curve.layer, curve.order), step)
    st.session_state[THRESHOLD] = find_threshold(curve, step)


def chosen_step(model: StoredModel, curve: Curve) -> int:
    """How many channels are pruned: at the threshold, or as many as the visitor chose."""
    of = (model.name, curve.layer, curve.order)
    if _BY_HAND not in st.session_state or address.history_moved():
        text = st.query_params.get(_CHANNELS, "")
        known = CutByHand(of, int(text)) if text.isdecimal() and len(text) < 6 else None
        st.session_state[_BY_HAND] = known
    by_hand: CutByHand | None = st.session_state[_BY_HAND]
    if by_hand is None or by_hand.of != of:
        address.write(_CHANNELS, None)
        return find_step(curve, st.session_state.get(THRESHOLD, USUAL_THRESHOLD))
    address.write(_CHANNELS, str(by_hand.step))
    return min(by_hand.step, len(curve.channels))


@failures.callback
def _forget_cut() -> None:
    st.session_state[_BY_HAND] = None


def show_at_step(model: StoredModel, curve: Curve, step: int, name: str, height: int = 300) -> None:
    """The verdict, the metrics and the curve with that many channels pruned."""
    st.markdown(describe_step(curve, step))
    scores.show(curve.test.iloc[step], model.card, curve.test.iloc[0])
    show_draggable(model, curve, step, name, height)
    st.caption(describe_choice(curve, step))


def offer_to_compute(model: StoredModel, layer: str = "", order: str = DEFAULT_ORDER) -> None:
    """A button that computes a curve as a job.

    Args:
        model: the model in use.
        layer: the convolution to prune; empty for the last.
        order: of pruning.
    """
    layer = layer or caches.convolutions(model)[-1]
    job_name = jobs.name_of("prune", model.name, layer, order)
    st.info("The pruning curve of this model has not been computed yet.")
    if image_chooser.images_available(model.card.dataset):
        job_panel.start_button(
            "Compute the curve",
            job_name,
            ["prune", model.name, "--layer", layer, "--order", order],
            "Runs the network once over validation and test images, clean and triggered.",
        )
    else:
        image_chooser.offer_download(model.card.dataset)
    job_panel.watch(job_name, show_so_far)


def show_so_far(status: jobs.Status) -> None:
    """The curve on the images processed so far."""
    table = status.table("curve", ["fraction", *METRICS])
    if table is not None:
        chart_view.show(
            paper_figures.pruning_curve(table).properties(height=300),
            table,
            "curve-so-far",
            "The three metrics on the test images processed so far.",
        )


def find_step(curve: Curve, threshold: float) -> int:
    """The step at which pruning stops for a threshold."""
    return curve.step_at(threshold) if threshold else 0


def find_threshold(curve: Curve, step: int) -> float:
    """The largest threshold on the slider that prunes no further than `step`."""
    dropped = threshold_at(curve.validation, step) // STEP * STEP
    return min(float(dropped), MAX_THRESHOLD)


def show_draggable(
    model: StoredModel, curve: Curve, step: int, name: str, height: int = 300
) -> None:
    """The curve with a rule to drag, which moves the threshold."""

    @failures.callback
    def move_slider() -> None:
        selected = st.session_state[name].selection.get("drag", [])
        dragged_to = selected[0].get("step") if selected else None
        if isinstance(dragged_to, int) and 0 <= dragged_to <= len(curve.channels):
            cut_at(model, curve, dragged_to)

    def draw() -> export.Chart:
        return pruning_charts.draggable_curve(curve.test, step).properties(height=height)

    share = float(curve.test["fraction"].iloc[step])
    key = (*caches.version(model), curve.layer, curve.order, "draggable", height)
    chart_view.show_spec(
        pruning_charts.move_rule(caches.chart_spec(key, draw), step),
        draw,
        curve.test,
        name,
        "Clean accuracy, attack success and recovered accuracy on test images against the"
        f" share of channels pruned. The line at {share:.0%} follows the slider.",
        on_select=move_slider,
        selection_mode="drag",
    )


def describe_step(curve: Curve, step: int) -> str:
    """How many channels are pruned, and the verdict, as Markdown."""
    if not step:
        return "**Nothing is pruned yet.** Move the slider."
    row = curve.test.iloc[step]
    pruned = f"**{step} of {len(curve.channels)} channels pruned ({row['fraction']:.0%}).**"
    return f"{pruned} {verdict.of_model(row)}"


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
        return paper_figures.repaired_bars(table).properties(height=300)

    key = (*caches.version(model), curve.layer, curve.order, "bars", *table["threshold"])
    chart_view.show_spec(
        caches.chart_spec(key, draw),
        draw,
        table,
        "repaired-networks",
        "Clean accuracy, attack success and recovered accuracy of the network pruned up to each"
        " threshold.",
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
        if (found := caches.curve(model, layer, order)) is not None
    }
    if not tables:
        st.info("Choose at least one order.")
        return

    def draw() -> export.Chart:
        return paper_figures.orders_compared(tables)

    with st.container(key="orders"):
        chart_view.show_spec(
            caches.chart_spec((*caches.version(model), layer, "orders", *chosen), draw),
            draw,
            pd.concat([table.assign(order=title) for title, table in tables.items()]),
            "orders-compared",
            f"Clean accuracy, attack success and recovered accuracy for {len(tables)} pruning"
            " orders.",
        )
    st.caption(
        "Oracle orders use triggered images, which a defender does not have: they show what could"
        " be achieved with them."
    )


def show_threshold_table(table: pd.DataFrame) -> None:
    """The metrics of the pruned network at several thresholds."""
    st.dataframe(
        table.assign(fraction=100 * table["fraction"]),
        hide_index=True,
        column_config=scores.columns(
            threshold="%.1f",
            step=None,
            fraction="%.0f",
            validation_accuracy="%.1f",
            **dict.fromkeys(METRICS, "%.1f"),
        ),
    )
