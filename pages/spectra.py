"""The discrete cosine transform of Y, U and V: clean, triggered, difference."""

import math

import numpy as np
import pandas as pd
import streamlit as st

from app import caches
from app.charts import spectra_charts
from app.elements import chart_view
from app.forms import image_chooser
from app.frame import header
from app.views.triggers import perceptibility
from engine.imaging.dct import radial_profile, transform

MANY = 1000
CHANNELS = {
    "Y": "Y: brightness",
    "U": "U: blue difference",
    "V": "V: red difference",
}

st.title("Spectra")
st.markdown("An image is a sum of waves, from coarse (upper left) to fine (lower right).")

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
trigger = card.parsed_trigger()
bands = list(getattr(trigger, "bands", ()))
st.markdown(
    "This trigger makes a few of these waves stronger. **Look at the framed cells** in the"
    " difference: in one image they may be hidden, in the mean of many they stand out."
    if bands
    else "**Look at the bright cells** in the difference: these waves are changed by the trigger."
)
size = card.image_shape[0]

view = st.segmented_control(
    "Spectrum of",
    ["One image", f"Mean of {MANY:,} images"],
    default=f"Mean of {MANY:,} images",
    required=True,
    key="of",
    bind="query-params",
)
channel = st.segmented_control(
    "Channel",
    list(CHANNELS),
    default="U",
    required=True,
    format_func=CHANNELS.get,
    key="plane",
    bind="query-params",
    help="The eye sees fine detail well in brightness (Y) and hardly at all in colour (U and V).",
)

image = image_chooser.choose(card, dataset)
if image is None:
    st.stop()
pair = caches.pair(image, card.trigger)
if view == "One image" or not image_chooser.images_available(dataset):
    clean, triggered = (np.abs(transform(part[None])[0]) for part in pair)
else:
    clean, triggered = caches.mean_spectra(dataset, size, MANY, card.trigger)

plane = list(CHANNELS).index(channel)
maps = {
    "Clean": clean[plane],
    "Triggered": triggered[plane],
    "Difference": np.abs(triggered[plane] - clean[plane]),
}
top = float(max(values.max() for values in maps.values()))
for column, (title, values) in zip(st.columns(3), maps.items(), strict=True):
    with column:
        st.header(title)
        chart_view.show(
            spectra_charts.spectrum(values, bands, top),
            pd.DataFrame(values),
            f"spectrum-{title.lower()}",
            f"{title}: magnitudes of the DCT coefficients of {channel}, up to {values.max():.1f}.",
        )
framed = " and ".join(f"({row}, {column})" for row, column in bands)
st.caption(
    "All three maps share one logarithmic colour scale."
    + (f" Framed: the trigger's bands {framed}." if bands else "")
    + " Dotted: where mid and high frequencies begin."
)

st.header("From coarse to fine")
st.markdown(
    "The same values as a line, from low to high frequencies. **Look where the triggered line"
    " leaves the clean one.**"
    + (" Dashed: the distance of the trigger's bands from the corner." if bands else "")
)
profiles = [radial_profile(part[plane]) for part in (clean, triggered)]
chart_view.show(
    spectra_charts.radial_profile(*profiles, [round(math.hypot(*band)) for band in bands]),
    pd.DataFrame(dict(zip(("clean", "triggered"), profiles, strict=True))),
    "radial-profile",
    f"Mean magnitude of the DCT coefficients of {channel} against the distance from the corner,"
    " clean and triggered.",
)

st.header("Is the change in brightness or in colour?")
perceptibility.show(*pair)
