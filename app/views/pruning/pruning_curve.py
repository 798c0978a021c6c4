"""A curve, a threshold to move on it, and what the network does there."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.charts import pruning_charts
from app.elements import chart_view, scores
from app.frame import failures
from engine.defenses.pruning.curve import Curve, threshold_at
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.evaluation.metrics import METRICS
from engine.reporting import export, paper_figures, verdict
from engine.store import StoredModel, pruning_curves

THRESHOLD = "threshold-pruning"  # key of the slider on Pruning and Report
LARGEST = 60.0  # percentage points; STEP too
STEP = 0.5


def choose_curve(layers: list[str]) -> tuple[str, str]:
    """Controls for the convolution, out of `layers`, and the order; both travel in the link."""
    left, right = st.columns(2)
    layer = left.selectbox(
        "Convolution",
        layers,
        index=len(layers) - 1,
        key="convolution",
        bind="query-params",
        help="The paper prunes the last one; any other takes minutes instead of seconds.",
    )
    order = right.selectbox(
        "Order of pruning",
        list(ORDERS),
        index=list(ORDERS).index(DEFAULT_ORDER),
        format_func=lambda name: ORDERS[name].title,
        key="order",
        bind="query-params",
        help="An oracle looks at triggered images, which a defender does not have.",
    )
    return layer, order


def threshold_slider(key: str, start: float) -> float:
    """The tolerated drop in percentage points; 0 leaves the network as it is."""
    if key not in st.session_state and key not in st.query_params:
        st.session_state[key] = start
    return st.slider(
        "Tolerated drop in clean accuracy (percentage points)",
        min_value=0.0,
        max_value=LARGEST,
        step=STEP,
        format="%.1f",
        key=key,
        help="Pruning stops at the first step where accuracy on clean validation images has"
        " dropped by this much. Attack success plays no part: a defender cannot know it.",
        bind="query-params",
    )


def step_of(curve: Curve, threshold: float) -> int:
    """The step a threshold stops at; a look-up."""
    return curve.step_at(threshold) if threshold else 0


def threshold_of(curve: Curve, step: int) -> float:
    """The largest threshold on the slider that prunes no further than `step`."""
    dropped = threshold_at(curve.validation, step) // STEP * STEP
    return min(float(dropped), LARGEST)


def pulled(
    model: StoredModel, curve: Curve, step: int, slider: str, name: str, height: int = 420
) -> None:
    """The curve with a rule to pull, which moves the slider called `slider`."""

    @failures.callback
    def follow() -> None:
        pulled_to = st.session_state[name].selection.get("drag", [])
        place = pulled_to[0].get("step") if pulled_to else None
        if isinstance(place, int) and 0 <= place <= len(curve.channels):
            st.session_state[slider] = threshold_of(curve, place)

    def draw() -> export.Chart:
        return pruning_charts.draggable_curve(curve.test, step).properties(height=height)

    share = float(curve.test["fraction"].iloc[step])
    key = (*caches.version(model), curve.layer, curve.order, "pulled", height)
    chart_view.show_spec(
        pruning_charts.move_rule(caches.spec(key, draw), step),
        draw,
        curve.test,
        name,
        "Clean accuracy, attack success and recovered accuracy on test images against the"
        f" share of channels pruned; a rule marks {share:.0%}. The slider moves it, too.",
        on_select=follow,
        selection_mode="drag",
    )


def told(curve: Curve, step: int) -> str:
    """How far the network is pruned and what that did, as Markdown."""
    if not step:
        return "**Nothing is pruned yet.** Pull the threshold."
    row = curve.test.iloc[step]
    pruned = f"**{step} of {len(curve.channels)} channels pruned ({row['fraction']:.0%}).**"
    return f"{pruned} {verdict.of_model(row)}"


def repaired_bars(model: StoredModel, curve: Curve, table: pd.DataFrame) -> None:
    """Figure 8, of the table at several thresholds."""

    def draw() -> export.Chart:
        return paper_figures.repaired_bars(table).properties(height=300)

    key = (*caches.version(model), curve.layer, curve.order, "bars", *table["threshold"])
    chart_view.show_spec(
        caches.spec(key, draw),
        draw,
        table,
        "repaired-networks",
        "Clean accuracy, attack success and recovered accuracy of the network pruned up to each"
        " threshold.",
    )


def orders_overlaid(model: StoredModel, layer: str) -> None:
    """The curves there are for a convolution, over each other."""
    known = [order for found, order in pruning_curves.stored_curves(model) if found == layer]
    chosen = st.multiselect(
        "Orders to compare",
        known,
        default=known,
        format_func=lambda name: ORDERS[name].title,
        key=f"orders-{model.name}-{layer}",
        help="Orders whose curve has been computed; choose another above to compute it.",
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
            caches.spec((*caches.version(model), layer, "orders", *chosen), draw),
            draw,
            pd.concat([table.assign(order=title) for title, table in tables.items()]),
            "orders-compared",
            f"Clean accuracy, attack success and recovered accuracy for {len(tables)} orders of"
            " pruning.",
        )
    st.caption(
        "Orders called oracles rank by triggered images, which a defender does not have: they"
        " show what could be reached."
    )


def threshold_table(table: pd.DataFrame) -> None:
    """The repaired networks at several thresholds."""
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
