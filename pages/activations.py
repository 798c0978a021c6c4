"""Figures 5 and 6: what each channel does on clean and on triggered images."""

from functools import partial

import streamlit as st

from app import caches
from app.charts import activation_charts
from app.elements import chart_view, job_panel
from app.forms import image_chooser
from app.frame import failures, header
from app.views.activations import channel
from engine.core import jobs
from engine.defenses.activations import change_by_layer

SORTS = {
    "clean": ("Clean", ["clean_mean"]),
    "triggered": ("Triggered", ["triggered_mean"]),
    "difference": ("Difference", ["difference"]),
    "channel": ("Number", ["channel"]),
}

st.title("Activations")
st.markdown(
    "Each bar is one channel of a layer: how strongly it answers on average. **Compare the two"
    " charts:** channels that rise far on triggered images carry the backdoor, yet many of them"
    " work for clean images too. Click a bar to look into its channel."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
table = caches.table(model, "activations")
job_name = jobs.name_of("activations", model.name)

if table is None:
    st.info("The activations of this model have not been measured yet.")
    if image_chooser.at_hand(card.dataset):
        job_panel.start_button(
            "Measure them",
            job_name,
            ["activations", model.name],
            "Runs the network once over clean and triggered validation images.",
        )
    else:
        image_chooser.offer_to_fetch(card.dataset)
    job_panel.watch(job_name)
    st.stop()

layers = list(dict.fromkeys(table["layer"]))
left, middle, right = st.columns([1, 1.4, 1.2])
layer = left.selectbox(
    "Layer",
    layers,
    index=len(layers) - 1,
    key="layer",
    bind="query-params",
    help="The paper looks at the last pooling layer: its channels are those that are pruned.",
)
sort = middle.segmented_control(
    "Sort channels by",
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
with right:
    falls = channel.falls(model, layer, len(order))

for column, measure, what in zip(
    st.columns(2), ("clean_mean", "triggered_mean"), ("clean", "triggered"), strict=True
):
    with column:
        name = f"activations-{what}"
        chart_view.show(
            activation_charts.clickable_bars(rows, measure, order, top, falls).properties(
                height=360
            ),
            rows,
            name,
            f"Mean activation of the {len(order)} channels of {layer} on {what} images.",
            on_select=partial(channel.follow, name),
            selection_mode="clicked",
        )

raised = rows.nlargest(1, "difference").iloc[0]
st.markdown(
    f"The trigger raises channel **{raised['channel']}** most: from {raised['clean_mean']:.2f} on"
    f" clean to {raised['triggered_mean']:.2f} on triggered images. Both charts have the same"
    " scale and order of channels; values are means over validation images and positions."
)

st.header("Where does the trigger live?")
st.markdown(
    "How far the trigger moves the channels of each layer, against how strongly they answer to"
    " clean images. **Look where the bars begin to grow:** from there on the trigger is carried"
    " along."
)
moved = change_by_layer(table)
chart_view.show(
    activation_charts.change_by_layer(moved, layer),
    moved,
    "moved-by-layer",
    "How far the trigger moves the channels of each layer, in percent.",
)

st.header("Look into one channel")
looked_at = channel.choose(sorted(order, key=rows.set_index("channel")["difference"].get))
if image_chooser.at_hand(dataset):
    with failures.contained():  # not every network can be asked on a page
        channel.maps(model, image_chooser.choose(card, dataset), layer, looked_at)
        channel.top_images(model, dataset, layer, looked_at)
else:
    image_chooser.offer_to_fetch(dataset)
with st.expander("All values"):
    st.dataframe(rows.drop(columns="layer"), hide_index=True)
