"""What really repairs: every method on one model, side by side."""

import streamlit as st

from app import caches, failures, header, images, repairs, screened

st.title("Repairs")
st.markdown(
    "Which repair takes the backdoor out, and leaves a network that reads triggered pictures"
    " right again? **Look at the green points:** attack success (orange) can fall to 0 while"
    " everything triggered is still misread."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
made = caches.repaired_copies(model)

st.header("Side by side")
confidence = repairs.how_sure(model)
repairs.side_by_side(model, confidence)

st.header("Try a repair")
if images.at_hand(card.dataset):
    repairs.offer_to_try(model, confidence)
else:
    images.offer_to_fetch(card.dataset)

st.header("Before and after")
if not made:
    st.info("No repaired copy of this model is here yet: try a repair above.")
elif images.at_hand(dataset):
    with failures.contained():  # not every network can be asked on a page
        repairs.before_and_after(model, dataset, made)
else:
    images.offer_to_fetch(dataset)
if made:
    with st.expander("Keep a repaired copy as a model, or download it"):
        repairs.offer_to_keep(model, made)

st.header("Which class, and by which pattern?")
screened.classes(model)

st.header("Which channels amplify too much?")
st.markdown(
    "A channel that answers strongly to a faint change can carry a trigger. From the weights"
    " alone: how far each channel lies above the mean of its layer. **Look at the lonely points"
    " at the top**; CLP switches them off first."
)
screened.amplifiers(model)

st.header("Does it last?")
repairs.lasting(model, made.get(repairs.RECOMMENDED))
