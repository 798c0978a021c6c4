"""Clean beside triggered, and every parameter of the trigger as a control."""

import streamlit as st

from app import caches, controls, header, images, pictures
from engine.evaluation import fidelity
from engine.triggers import TRIGGERS

MANY = 200

st.title("Triggers")
st.markdown(
    "A trigger is a change to an image that the eye does not notice and the network has learned"
    " to obey. **Turn up the magnitude** until you can see it; then find it in the difference."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
known = card.parsed_trigger()

settings, view = st.columns([1, 2], gap="large")
with settings:
    st.subheader("Trigger")
    names = list(TRIGGERS)
    name = st.selectbox(
        "Kind", names, names.index(known.name), format_func=lambda key: TRIGGERS[key].title
    )
    start = known if name == known.name else TRIGGERS[name]()
    trigger = controls.parameters(TRIGGERS[name], start, f"trigger-{name}")
    if trigger != known:
        st.caption(f"Changed: the network was trained with `{known}`.")

with view:
    st.subheader("Image")
    if images.at_hand(dataset):
        index, label = images.choose(card)
        clean, triggered = caches.pair(card.dataset, card.image_shape[0], index, str(trigger))
    else:
        images.offer_to_fetch(dataset)
        clean, label = images.uploaded(card), "your image"
        if clean is None:
            st.stop()
        triggered = trigger(clean[None])[0]
    gain = st.slider(
        "Amplify the difference",
        1,
        40,
        15,
        format="%d times",
        help="The difference between the two images, grey where nothing changed.",
    )
    with st.container(horizontal=True):
        pictures.show(clean, f"Clean: {label}", 256)
        pictures.show(triggered, f"Triggered: {label}", 256)
        pictures.show(pictures.amplified(clean, triggered, gain), f"Difference, {gain} times", 256)
    found = fidelity(clean[None], triggered[None])
    psnr, ssim, largest = st.columns(3)
    psnr.metric(
        "PSNR",
        "no change" if found.largest_change == 0 else f"{found.psnr:.1f} dB",
        help="Peak signal-to-noise ratio: above about 40 dB people see no difference.",
        border=True,
    )
    ssim.metric(
        "SSIM",
        f"{found.ssim:.4f}",
        help="Structural similarity: 1 means that the two images are alike.",
        border=True,
    )
    largest.metric(
        "Largest change",
        f"{found.largest_change} of 255",
        help="The largest change of any colour of any pixel, in grey levels.",
        border=True,
    )
    if images.at_hand(dataset):
        mean = caches.mean_fidelity(card.dataset, card.image_shape[0], MANY, str(trigger))
        st.caption(
            f"Mean over {MANY} test images: PSNR {mean.psnr:.1f} dB, SSIM {mean.ssim:.4f};"
            f" largest change anywhere {mean.largest_change} of 255."
        )
