"""Figures 5 and 6: what each channel does on clean and on triggered images."""

import streamlit as st

from app import caches, header, images, jobs
from engine import figures

SORTS = {
    "clean": ("Clean mean", ["clean_mean"]),
    "triggered": ("Triggered mean", ["triggered_mean"]),
    "difference": ("Triggered minus clean", ["difference"]),
    "channel": ("Channel number", ["channel"]),
}

st.title("Activations")
st.markdown(
    "Each bar is one channel of a layer: how strongly it answers on average. **Compare the two"
    " charts:** channels that rise far on triggered images carry the backdoor, yet many of them"
    " work for clean images too. That is why pruning by clean activation takes so long."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
table = caches.table(model, "activations")
run_name = f"activations-{model.name}"

if table is None:
    st.info("The activations of this model have not been measured yet.")
    if images.at_hand(dataset):
        jobs.start_button(
            "Measure them",
            run_name,
            ["activations", model.name],
            "Runs the network once over clean and triggered validation images.",
        )
    else:
        images.offer_to_fetch(dataset)
    jobs.watch(run_name)
    st.stop()

layers = list(dict.fromkeys(table["layer"]))
left, right = st.columns(2)
layer = left.selectbox(
    "Layer",
    layers,
    index=len(layers) - 1,
    key="layer",
    bind="query-params",
    help="The paper looks at the last pooling layer: its channels are those that are pruned.",
)
sort = right.segmented_control(
    "Channels from left to right by",
    list(SORTS),
    default="clean",
    required=True,
    format_func=lambda key: SORTS[key][0],
    key="sort",
    bind="query-params",
)

rows = table[table["layer"] == layer]
rows = rows.assign(difference=rows["triggered_mean"] - rows["clean_mean"])
order = rows.sort_values(SORTS[sort][1])["channel"].tolist()
top = float(rows[["clean_mean", "triggered_mean"]].to_numpy().max())
clean, triggered = st.columns(2)
for column, measure, what in (
    (clean, "clean_mean", "clean"),
    (triggered, "triggered_mean", "triggered"),
):
    column.altair_chart(
        figures.activation_bars(rows, measure, order, top).properties(height=380),
        width="stretch",
        alt=f"Mean activation of the {len(order)} channels of {layer} on {what} images.",
    )

raised = rows.nlargest(1, "difference").iloc[0]
st.markdown(
    f"The trigger raises channel **{raised['channel']}** most: from {raised['clean_mean']:.2f} on"
    f" clean to {raised['triggered_mean']:.2f} on triggered images. Both charts have the same"
    " scale and order of channels; values are means over validation images and positions."
)
with st.expander("All values"):
    st.dataframe(rows.drop(columns="layer"), hide_index=True)
