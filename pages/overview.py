"""The whole story on one page: look, see nothing, be misled, prune."""

import streamlit as st

from app import caches, header, images, pictures, provenance, pruning, scores
from engine import results

MISLED = 50.0  # per cent of triggered images read as the target

st.title("A picture that looks clean is not")
st.markdown(
    "A network can be trained on images with an invisible pattern in them. It then reads clean"
    " images well, but whatever carries the pattern it reads as **one chosen class**."
)

model = header.model_in_use()
card = model.card

st.subheader("1. Look: can you see a difference?")
if images.at_hand(card):
    index, label = images.choose(card)
    clean, triggered = caches.pair(card.dataset, card.image_shape[0], index, card.trigger)
    with st.container(horizontal=True, gap="large"):
        pictures.show(clean, f"Clean: {label}")
        pictures.show(triggered, f"Triggered: still '{label}' to the eye")
    st.page_link(
        "../pages/triggers.py",
        label="How the pattern is hidden: Triggers",
        icon=":material/compare:",
    )
else:
    images.offer_to_fetch(card)

misled = card.scores["test"]["attack_success"] >= MISLED
st.subheader("2. The network is misled" if misled else "2. The network is not misled")
st.markdown(
    f"`{card.name}`: {provenance.told(card)} These are its figures on test images it has never"
    " seen:"
)
scores.show(card.scores["test"])

st.subheader("3. Prune: does that repair it?")
curves = results.stored_curves(model)
if not curves:
    st.info("The pruning curve of this model has not been computed yet.")
    st.page_link("../pages/pruning.py", label="Compute it: Pruning", icon=":material/content_cut:")
else:
    st.markdown(
        "The defender switches off, one by one, the channels of the last convolution that are"
        " least active on clean images, and stops when accuracy has dropped too far."
        " **Watch the green line:** that attack success falls does not mean that triggered"
        " images are read right again."
    )
    pruning.look_up(caches.curve(model, *curves[0]), "overview")
    st.page_link(
        "../pages/pruning.py",
        label="The table, other orders, saving: Pruning",
        icon=":material/content_cut:",
    )
