"""Controls that choose a pruning curve: the convolution and the order."""

from __future__ import annotations

import streamlit as st

from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS


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
