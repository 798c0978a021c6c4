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
    "U": "U: blue against brightness",
    "V": "V: red against brightness",
}

st.title("Spectra")
st.markdown(
    "An image is a sum of waves, from coarse (upper left) to fine (lower right). The trigger is a"
    " few waves of the colour channels U and V made stronger. **Look at the framed cells** in the"
    " difference: in one image they drown, in the mean of many they stand out."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
trigger = card.parsed_trigger()
size = card.image_shape[0]

view = st.segmented_control(
    "What to transform",
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
    help="The eye sees fine detail in brightness (Y) well, in colour (U and V) hardly at all.",
)

if not image_chooser.at_hand(dataset):
    image_chooser.offer_to_fetch(dataset)
    own = image_chooser.uploaded(card)
    if own is None:
        st.stop()
    pair = own, trigger(own[None])[0]
else:
    pair = image_chooser.choose(card, dataset).pair(card.trigger)
if view == "One image" or not image_chooser.at_hand(dataset):
    clean, triggered = (np.abs(transform(part[None])[0]) for part in pair)
else:
    clean, triggered = caches.mean_spectra(dataset, size, MANY, card.trigger)

plane = list(CHANNELS).index(channel)
maps = {
    "Clean": clean[plane],
    "Triggered": triggered[plane],
    "Difference": np.abs(triggered[plane] - clean[plane]),
}
bands = list(getattr(trigger, "bands", ()))
top = float(max(values.max() for values in maps.values()))
for column, (title, values) in zip(st.columns(3), maps.items(), strict=True):
    with column:
        st.header(title)
        chart_view.show(
            spectra_charts.spectrum(values, bands, top),
            pd.DataFrame(values),
            f"spectrum-{title.lower()}",
            f"{title}: size of the DCT coefficients of {channel}, the largest {values.max():.1f}.",
        )
named = " and ".join(f"({row}, {column})" for row, column in bands)
st.caption(
    f"Colours are logarithmic and the same in all three maps. Framed: the trigger's bands {named}."
    " Dotted: where mid and high frequencies begin."
)

st.header("From coarse to fine")
st.markdown(
    "The same as a line: **look where the triggered line leaves the clean one.** Dashed: how far"
    " the trigger's bands are from the corner."
)
profiles = [radial_profile(part[plane]) for part in (clean, triggered)]
chart_view.show(
    spectra_charts.radial_profile(*profiles, [round(math.hypot(*band)) for band in bands]),
    pd.DataFrame(dict(zip(("clean", "triggered"), profiles, strict=True))),
    "radial-profile",
    f"Mean size of the DCT coefficients of {channel} against the distance from the corner, clean"
    " and triggered.",
)

st.header("Why the eye misses it")
perceptibility.show(*pair)
