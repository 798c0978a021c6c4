"""What really repairs: every method on one model, side by side."""

import streamlit as st

from app import caches
from app.forms import image_chooser
from app.frame import failures, header
from app.views.repairs import detection_view, repair_table

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
confidence = repair_table.how_sure(model)
repair_table.side_by_side(model, confidence)

st.header("Try a repair")
if image_chooser.at_hand(card.dataset):
    repair_table.offer_to_try(model, confidence)
else:
    image_chooser.offer_to_fetch(card.dataset)

st.header("Before and after")
if not made:
    st.info("No repaired copy of this model is here yet: try a repair above.")
elif image_chooser.at_hand(dataset):
    with failures.contained():  # not every network can be asked on a page
        repair_table.before_and_after(model, dataset, made)
else:
    image_chooser.offer_to_fetch(dataset)
if made:
    with st.expander("Keep a repaired copy as a model, or download it"):
        repair_table.offer_to_keep(model, made)

st.header("Which class, and by which pattern?")
detection_view.classes(model)

st.header("Which channels amplify too much?")
st.markdown(
    "A channel that answers strongly to a faint change can carry a trigger. From the weights"
    " alone: how far each channel lies above the mean of its layer. **Look at the lonely points"
    " at the top**; CLP switches them off first."
)
detection_view.amplifiers(model)

st.header("Does it last?")
repair_table.lasting(model, made.get(repair_table.RECOMMENDED))
