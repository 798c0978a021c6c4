"""The paper's defence: the film, the threshold, the table, the repaired network."""

import pandas as pd
import streamlit as st

from app import before_after, caches, drawing, header, images, jobs, pruning, scores
from app.elements.film import film
from engine import figures, results, runs, store
from engine.pruning.curve import PAPER_THRESHOLDS
from engine.pruning.orders import ORDERS, OracleOrder

st.title("Pruning")
st.markdown(
    "Channels of one convolution are switched off one by one. **Move the threshold** and watch the"
    " three lines: the attack fades late, and triggered images are not read right again."
)

model = header.model_in_use()
card = model.card
layers = caches.convolutions(model)
layer, order = pruning.choose_curve(layers)
if isinstance(ORDERS[order], OracleOrder):
    st.caption(
        ":material/visibility: This order is an *oracle*: it uses triggered images. It shows"
        " what could be reached, not what a defender can do."
    )


def show_figures(status: runs.Status) -> None:
    """The curve over the images read so far."""
    if "curve" in status.figures:
        table = pd.DataFrame(status.figures["curve"])
        drawing.chart(
            figures.pruning_curve(table).properties(height=400),
            table,
            "curve-so-far",
            "The three measures over the test images read so far.",
        )


curve = caches.curve(model, layer, order)
run_name = f"prune-{model.name}-{layer}-{order}".replace("_", "-")
if curve is None:
    st.info("This curve has not been computed yet.")
    if images.at_hand(card.dataset):
        jobs.start_button(
            "Compute the curve",
            run_name,
            ["prune", model.name, "--layer", layer, "--order", order],
            "Runs the network once over validation and test images, clean and triggered.",
        )
    else:
        images.offer_to_fetch(card.dataset)
    jobs.watch(run_name, show_figures)
    st.stop()

st.header("Watch the channels fall")
st.caption(
    "Each square is a channel; the stronger it answers to clean images, the darker. The weakest"
    " fall first, so the backdoor's own channels stay until late."
    if not isinstance(ORDERS[order], OracleOrder)
    else "Each square is a channel; the stronger it answers to clean images, the darker."
)
film(curve.test, caches.strengths(model, layer), "film")

st.header("Pull the threshold")
threshold = pruning.threshold_slider(pruning.THRESHOLD, 2.0)
step = pruning.step_of(curve, threshold)
scores.show(curve.test.iloc[step], curve.test.iloc[0])
pruning.pulled(curve, step, pruning.THRESHOLD, "pruning-curve")
st.markdown(pruning.told(curve, step))

st.header("At the paper's thresholds")
chosen = sorted({*PAPER_THRESHOLDS, threshold} - {0.0})
table = curve.at_thresholds(chosen)
pruning.threshold_table(table)
drawing.chart(
    figures.repaired_bars(table).properties(height=300),
    table,
    "repaired-networks",
    "Clean accuracy, attack success and recovered accuracy of the network pruned up to each"
    " threshold.",
)
st.caption(
    "The step is chosen on clean validation images; test images only report. Attack success"
    " and recovered accuracy leave out images of the target class."
)

st.header("Before and after")
if images.at_hand(header.dataset_in_use()):
    before_after.show(model, header.dataset_in_use(), layer, order, step)
else:
    images.offer_to_fetch(header.dataset_in_use())

st.header("Would another order do better?")
pruning.orders_overlaid(model, layer)

st.header("Keep the repaired network")
if not threshold:
    st.info("Pull the threshold above 0 first: at 0 nothing is pruned.")
    st.stop()
repaired = results.repaired_name(model, curve, threshold)
if repaired in caches.model_names():
    kept = store.find(repaired)
    st.markdown(f"The network at {threshold:g} points is kept as `{repaired}`.")
    st.download_button(
        "Download it (Keras)",
        (kept.folder / "model.keras").read_bytes,
        f"{repaired}.keras",
        "application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
    )
else:
    save_name = f"save-{repaired}"
    jobs.start_button(
        f"Save the network at {threshold:g} points",
        save_name,
        [
            *("prune", model.name, "--layer", layer, "--order", order),
            *("--thresholds", f"{threshold:g}", "--save"),
        ],
        "Zeroes kernel and bias of the pruned channels and keeps the result as a model.",
    )
    jobs.watch(save_name)
