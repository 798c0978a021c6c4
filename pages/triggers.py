"""Clean beside triggered, several settings at once, every trigger there is, and an eye test."""

import streamlit as st

from app import caches
from app.elements.grid import grid
from app.elements.swipe import swipe
from app.forms import image_chooser
from app.frame import failures, header
from app.views.models import attack_table
from app.views.triggers import eye_test, gallery, trigger_settings
from engine.imaging.render import enlarge

st.title("Triggers")
st.markdown(
    "A trigger is a change to an image that the eye does not notice and the network has learned"
    " to obey. **Open a setting and turn up the magnitude** until you can see it."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()

st.header("Choose an image")
if image_chooser.at_hand(dataset):
    chosen = image_chooser.choose(card, dataset)
    shown = caches.thumbnails(dataset, chosen.size, chosen.label, image_chooser.SHOWN)
    grid(
        shown.pictures,
        [f"{chosen.name}, image {number}" for number in shown.numbers],
        shown.place_of(st.session_state[image_chooser.NUMBER]),
        f"Test images that show {chosen.name}",
        "image-grid",
        lambda place: image_chooser.choose_number(shown.numbers[place]),
    )
    clean, label = chosen.pair(card.trigger)[0], chosen.label
else:
    image_chooser.offer_to_fetch(dataset)
    clean, label = image_chooser.uploaded(card), None
    if clean is None:
        eye_test.show(card, dataset)
        st.stop()

st.header("Compare")
with st.container(horizontal=True, vertical_alignment="bottom"):
    count = st.segmented_control(
        "Settings side by side",
        [1, 2, 3],
        default=1,
        required=True,
        key="settings",
        bind="query-params",
        help="Triggers, or one trigger at several strengths, on the same image.",
    )
    gain = st.slider(
        "Amplify the difference",
        1,
        40,
        15,
        format="%d times",
        key="gain",
        bind="query-params",
        help="The difference between the two images, grey where nothing changed.",
        width=360,
    )

first, *others = st.columns([1.2, *[1] * count], gap="medium")
triggers = {}
for letter, column in zip("ABC", others, strict=False):
    with column, failures.contained():  # a setting that cannot be used leaves the others
        triggers[letter] = trigger_settings.choose(card, letter)
        trigger_settings.show(model, clean, triggers[letter], gain, label)
with first, failures.contained():
    if "A" in triggers:
        st.markdown("**Pull the divider: do you see a change?**")
        swipe(
            enlarge(clean),
            enlarge(triggers["A"](clean[None])[0]),
            ("Clean", "Triggered"),
            "swipe",
        )
    trigger_settings.said(model, clean, label)

if image_chooser.at_hand(dataset) and triggers:
    st.header(f"The same over {trigger_settings.MANY} test images")
    trigger_settings.mean_table(dataset, card, triggers)

st.header("All triggers side by side")
st.markdown(
    "The same image with each trigger there is, at its usual settings. **Compare the first two"
    " pictures, then look at the fourth:** it shows whether the change is made of coarse waves"
    " (upper left), of fine ones (lower right), or of all. Differences are amplified as set above."
)
gallery.show(card, clean, gain)

st.header("Eye test: which one is triggered?")
st.markdown(
    "Ten pairs of pictures of the same test image: **one is clean, one is triggered, left or right"
    " at random.** Can you tell which?"
)
eye_test.show(card, dataset)

st.header("What each attack did to the same network")
st.markdown(
    "The paper's network, trained anew with each of them, test images only to report. **Compare how"
    " visible a trigger is (PSNR, SSIM) with how well it works (attack success).**"
)
attack_table.show(dataset)
