"""Clean beside triggered, several variants at once, every trigger, and an eye test."""

import streamlit as st

from app import caches
from app.elements.grid import grid
from app.elements.swipe import swipe
from app.forms import image_chooser
from app.frame import failures, header
from app.views.triggers import attack_table, eye_test, gallery, trigger_settings
from engine.imaging.render import enlarge

st.title("Triggers")
st.markdown(
    "A trigger is a change to an image, often too faint to see, that makes a backdoored network"
    " predict what the attacker wants. **Open *Variant A* and make the trigger stronger** until you"
    " can see it."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()

st.header("Choose an image")
chosen = image_chooser.choose(card, dataset)
if chosen is None:
    st.stop()
if not chosen.is_own:
    size = card.image_shape[0]
    shown = caches.thumbnails(dataset, size, chosen.label, image_chooser.MAX_THUMBNAILS)
    grid(
        shown.pictures,
        [f"{chosen.name}, image {number}" for number in shown.numbers],
        shown.position_of(st.session_state[image_chooser.NUMBER]),
        f"Test images of class {chosen.name}",
        "image-grid",
        lambda place: image_chooser.choose_number(shown.numbers[place]),
    )
clean, label = chosen.clean, chosen.label

st.header("Compare")
with st.container(horizontal=True, vertical_alignment="bottom"):
    count = st.segmented_control(
        "Variants",
        [1, 2, 3],
        default=1,
        required=True,
        key="settings",
        bind="query-params",
        help="Compare up to three triggers, or strengths of one trigger, on the same image.",
    )
    gain = st.slider(
        "Amplify the difference",
        1,
        40,
        15,
        format="%d times",
        key="gain",
        bind="query-params",
        help="The factor for pictures of the difference between clean and triggered image, which"
        " are grey where nothing changed.",
        width=360,
    )

first, *others = st.columns([1.2, *[1] * count], gap="medium")
triggers = {}
for letter, column in zip("ABC", others, strict=False):
    with column, failures.contained():  # an invalid variant leaves the others
        triggers[letter] = trigger_settings.choose(card, letter)
        trigger_settings.show(model, clean, triggers[letter], gain, label)
with first, failures.contained():
    if "A" in triggers:
        st.markdown("**Drag the divider: do you see a change?**")
        swipe(
            enlarge(clean),
            enlarge(triggers["A"](clean[None])[0]),
            ("Clean", "Triggered"),
            "swipe",
        )
    trigger_settings.show_prediction(model, clean, label)

if image_chooser.images_available(dataset) and triggers:
    st.header(f"Means over {trigger_settings.MANY} test images")
    trigger_settings.show_mean_table(dataset, card, triggers)

st.header("All triggers side by side")
st.markdown(
    "The same image with every trigger, each at its usual settings. **Compare the first two"
    " pictures, then look at the fourth:** the spectrum of the change, from low frequencies (upper"
    " left) to high ones (lower right). Changes are amplified as set above."
)
gallery.show(card, clean, gain)

st.header("Eye test: which one is triggered?")
st.markdown(
    "Each pair shows one test image twice: **clean and triggered, left or right at random.** Can"
    " you tell which one is triggered?"
)
eye_test.show(card, dataset)

st.header("All attacks on the same network")
st.markdown(
    "The same network, trained with each attack and scored on held-out images. **Compare how"
    " visible a trigger is (PSNR, SSIM) with how well it works (attack success).**"
)
attack_table.show(dataset)
