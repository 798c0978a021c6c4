"""Controls that choose a pruning curve: the convolution and the order."""

from __future__ import annotations

import streamlit as st

from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS, OracleOrder

ORDER = "order"  # key of the control


def choose_curve(layers: list[str], with_oracles: bool = True) -> tuple[str, str]:
    """Controls for the convolution and the order; the address keeps both.

    Args:
        layers: names of the convolutions.
        with_oracles: whether to offer orders that need triggered images.
    """
    layer = st.selectbox(
        "Layer to prune",
        layers,
        index=len(layers) - 1,
        key="convolution",
        bind="query-params",
        help="The paper prunes the last convolution. Any other takes minutes, not seconds.",
        width=180,
    )
    return layer, choose_order(with_oracles)


def choose_order(with_oracles: bool = True) -> str:
    """A control for the pruning order; the address keeps it. For `with_oracles` see above."""
    offered = [
        name for name, order in ORDERS.items() if with_oracles or not isinstance(order, OracleOrder)
    ]
    if st.session_state.get(ORDER) not in (None, *offered):
        del st.session_state[ORDER]  # chosen for a model whose trigger is known
    chosen: str = st.selectbox(
        "Pruning order",
        offered,
        index=offered.index(DEFAULT_ORDER),
        format_func=lambda name: ORDERS[name].title,
        key=ORDER,
        bind="query-params",
        help="An oracle uses triggered images, which a defender does not have."
        if with_oracles
        else None,
        width=380,
    )
    return chosen
