"""Figures 5 and 6: mean activations of every channel on clean and triggered images."""

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
    "clean": ("Clean", "clean_mean"),
    "triggered": ("Triggered", "triggered_mean"),
    "difference": ("Difference", "difference"),
    "channel": ("Number", "channel"),
}

st.title("Activations")
st.markdown(
    "Each bar is the mean activation of one channel. **Compare the two charts:** channels that rise"
    " most on triggered images may carry a backdoor, yet many of them serve clean images too. Click"
    " a bar to inspect its channel."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
table = caches.table(model, "activations")
job_name = jobs.name_of("activations", model.name)

if table is None:
    st.info("The activations of this model have not been measured yet.")
    if image_chooser.images_available(card.dataset):
        job_panel.start_button(
            "Measure activations",
            job_name,
            ["activations", model.name],
            "Runs the network once over clean and triggered validation images.",
        )
    else:
        image_chooser.offer_download(card.dataset)
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
    help="The paper uses the last pooling layer: its channels are the ones that pruning removes.",
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
    ranks = channel.choose_ranks(model, layer, len(order))

for column, measure, what in zip(
    st.columns(2), ("clean_mean", "triggered_mean"), ("clean", "triggered"), strict=True
):
    with column:
        name = f"activations-{what}"
        chart_view.show(
            activation_charts.clickable_bars(rows, measure, order, top, ranks).properties(
                height=360
            ),
            rows,
            name,
            f"Mean activation of the {len(order)} channels of {layer} on {what} images.",
            on_select=partial(channel.select_clicked, name),
            selection_mode="clicked",
        )

raised = rows.nlargest(1, "difference").iloc[0]
st.markdown(
    f"The trigger raises channel **{raised['channel']}** most: from {raised['clean_mean']:.2f} on"
    f" clean images to {raised['triggered_mean']:.2f} on triggered ones. Both charts share one"
    " scale and one order of channels. Values are means over validation images and positions."
)

st.header("Which layers does the trigger change?")
st.markdown(
    "The change in the channels' mean activations, relative to their means on clean images. **Look"
    " where the bars begin to grow:** from there on, the network responds to the trigger."
)
change = change_by_layer(table)
chart_view.show(
    activation_charts.change_by_layer(change, layer),
    change,
    "change-by-layer",
    "How much the trigger changes the channels' mean activations in each layer, in percent.",
)

st.header("Inspect one channel")
chosen = channel.choose(sorted(order, key=rows.set_index("channel")["difference"].get))
image = image_chooser.choose(card, dataset)
with failures.contained():  # the NumPy runtime does not support every network
    if image is not None:
        channel.show_maps(model, image, layer, chosen)
    if image_chooser.images_available(dataset):
        channel.show_top_images(model, dataset, layer, chosen)
with st.expander("All values"):
    st.dataframe(rows.drop(columns="layer"), hide_index=True)
