"""The whole story on one screen: look, see nothing, be misled, prune, repair."""

import streamlit as st

from app import caches
from app.elements import picture, predictions, scores
from app.forms import image_chooser
from app.frame import failures, header
from app.views.overview import repair_outcome
from app.views.pruning import pruning_curve
from engine.store import pruning_curves, summary

st.title("A picture that looks clean is not")
st.markdown(
    "Both pictures look the same. One carries an **invisible pattern**, and a network trained to"
    " obey it reads every such picture as **one class the attacker chose**."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
curves = pruning_curves.stored_curves(model)

look, pull = st.columns([5, 6], gap="large")
with look:
    st.header("1. Look, then see what the network says")
    if image_chooser.at_hand(dataset):
        chosen = image_chooser.choose(card, dataset)
        side_by_side = st.container(horizontal=True)
        places = {kind: side_by_side.container(width="stretch") for kind in ("Clean", "Triggered")}
    else:
        chosen = None
        image_chooser.offer_to_fetch(dataset)

with pull:
    st.header("2. Pull the threshold: does pruning repair it?")
    if curves:
        layer, order = curves[0]
        curve = caches.curve(model, layer, order)
        step = pruning_curve.step_of(
            curve, pruning_curve.threshold_slider("threshold-overview", 0.0)
        )
        scores.show(curve.test.iloc[step], curve.test.iloc[0])
        pruning_curve.pulled(model, curve, step, "threshold-overview", "overview-curve", height=300)
        st.markdown(pruning_curve.told(curve, step))
    else:
        layer, order, step = "", "", 0
        scores.show(card.scores["test"])
        st.info("The pruning curve of this model has not been computed yet.")

pruned = None
if chosen:
    with failures.contained():  # not every network can be asked on a page
        shown = chosen.pair(card.trigger)
        says = caches.readings(model, dataset, chosen.index, card.trigger, layer, order)[step]
        pruned = says[1] if step else None
        for (kind, place), image, said in zip(places.items(), shown, says, strict=True):
            with place:
                picture.show(image, f"{kind}: {chosen.name}")
                st.markdown(f"Prediction: {predictions.describe(said, chosen.label, card)}")
                predictions.show(said, chosen.label, card)

st.header("3. What really repairs it")
with failures.contained():
    repair_outcome.show(model, chosen, pruned)

st.markdown(summary.describe(card))
with st.container(horizontal=True):
    for page, label, icon in (
        ("triggers", "How the pattern is hidden", "compare"),
        ("spectra", "Where it shows", "graphic_eq"),
        ("activations", "Which channels carry it", "bar_chart"),
        ("pruning", "Prune, compare, save", "content_cut"),
    ):
        st.page_link(f"../pages/{page}.py", label=label, icon=f":material/{icon}:")
