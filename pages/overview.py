"""The whole story on one page: a hidden trigger, a fooled network, pruning, a repair."""

import streamlit as st

from app import caches
from app.elements import picture, predictions, scores
from app.forms import image_chooser
from app.frame import failures, header
from app.views.overview import repair_outcome
from app.views.pruning import pruning_curve
from engine.store import pruning_curves, summary

st.title("This picture looks clean. It isn't.")
st.markdown(
    "One of the two pictures carries a **hidden trigger**. A backdoored network classifies such"
    " pictures **as the attacker chose**."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
curves = pruning_curves.stored_curves(model)

left, right = st.columns([5, 6], gap="large")
with left:
    st.header("1. Compare the pictures and the predictions")
    chosen = image_chooser.choose(card, dataset)
    if chosen is not None:
        side_by_side = st.container(horizontal=True)
        containers = {
            kind: side_by_side.container(width="stretch") for kind in ("Clean", "Triggered")
        }

with right:
    st.header("2. Set the threshold: does pruning help?")
    if curves:
        layer, order = curves[0]
        curve = caches.curve(model, layer, order)
        step = pruning_curve.find_step(curve, pruning_curve.threshold_slider())
        scores.show(curve.test.iloc[step], curve.test.iloc[0])
        pruning_curve.show_draggable(model, curve, step, "overview-curve")
        st.markdown(pruning_curve.describe_step(curve, step))
    else:
        layer, order, step = "", "", 0
        scores.show(card.scores["test"])
        st.info("This model has no pruning curve yet: compute one on the page Pruning.")

pruned = None
if chosen:
    with failures.contained():  # the NumPy runtime does not support every network
        shown = caches.pair(chosen, card.trigger)
        predicted = caches.predictions_while_pruned(model, chosen, layer, order)[step]
        pruned = predicted[1] if step else None
        for (kind, container), image, probabilities in zip(
            containers.items(), shown, predicted, strict=True
        ):
            with container:
                picture.show(image, f"{kind}: {chosen.name}")
                st.markdown(
                    f"Prediction: {predictions.describe(probabilities, chosen.label, card)}"
                )
                predictions.show(probabilities, chosen.label, card)

st.header("3. Repair the network")
with failures.contained():
    repair_outcome.show(model, chosen, pruned)

st.markdown(summary.describe(card))
with st.container(horizontal=True):
    for page, label, icon in (
        ("triggers", "How the trigger is hidden", "compare"),
        ("spectra", "Where it shows up", "graphic_eq"),
        ("activations", "Which channels carry it", "bar_chart"),
        ("pruning", "Prune, compare, save", "content_cut"),
    ):
        st.page_link(f"../pages/{page}.py", label=label, icon=f":material/{icon}:")
