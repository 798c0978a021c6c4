"""Every repair on one model, side by side, and what a detector finds in it."""

import streamlit as st

from app import caches
from app.forms import image_chooser
from app.frame import failures, header
from app.views.repairs import detection_view, repair_table

st.title("Repairs")
st.markdown(
    "Which repair removes the backdoor, so that triggered images are classified correctly again?"
    " **Look at the green points:** attack success (orange) can fall to 0 while every triggered"
    " image is still misclassified."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
repaired = caches.repaired_copies(model)

st.header("Side by side")
confidence = repair_table.choose_confidence(model)
repair_table.compare(model, confidence)

st.header("Try a repair")
if image_chooser.images_available(card.dataset):
    repair_table.offer_repairs(model, confidence)
else:
    image_chooser.offer_download(card.dataset)

st.header("Before and after")
if not repaired:
    st.info("There is no repaired copy of this model yet: try a repair above.")
else:
    with failures.contained():  # the NumPy runtime does not support every network
        repair_table.show_before_and_after(model, dataset, repaired)
if repaired:
    with st.expander("Save a repaired copy as a model, or download it"):
        repair_table.offer_to_save(model, repaired)

st.header("Is there a backdoor, and to which class?")
detection_view.show_classes(model)

st.header("Which channels amplify too much?")
st.markdown(
    "A channel that amplifies faint changes can carry a trigger. The chart shows, from the weights"
    " alone, how far each channel lies above the mean of its layer. **Look at the outliers at the"
    " top:** the repair CLP prunes them first."
)
detection_view.show_amplification(model)

st.header("Does it last?")
repair_table.show_persistence(model, repaired.get(repair_table.RECOMMENDED))
