"""The paper's defence: pruning channel by channel, up to a threshold."""

import streamlit as st

from app import caches
from app.forms import curve_chooser
from app.frame import header
from app.views.pruning import pruning_curve, pruning_tabs
from engine.defenses.pruning.orders import ORDERS, OracleOrder
from engine.store import summary

st.title("Pruning")

model = header.model_in_use()
with st.container(horizontal=True, vertical_alignment="bottom", key="curve-chooser"):
    layer, order = curve_chooser.choose_curve(caches.convolutions(model))
if isinstance(ORDERS[order], OracleOrder):
    st.caption(
        ":material/visibility: This order is an *oracle*: it uses triggered images, which a"
        " defender does not have. It shows what could be achieved with them."
    )
if summary.describe_dormant(model.card):
    st.caption(
        f":material/bedtime: This attack is pruning-aware. {summary.describe_dormant(model.card)}"
    )

curve = caches.curve(model, layer, order)
if curve is None:
    st.markdown(
        "Pruning switches off the channels of one convolution, one by one. The curve shows what"
        " that costs, and whether it helps."
    )
    pruning_curve.offer_to_compute(model, layer, order)
else:
    pruning_tabs.show(model, header.dataset_in_use(), curve)
