"""The recovered trigger: on an image beside the one known, and on others with predictions."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches
from app.caches.predictions import Predicted
from app.forms import image_chooser
from engine.core import templates
from engine.defenses.inversion import RecoveredTrigger
from engine.imaging.render import data_url, enlarge
from engine.reporting import scan_pictures, verdict
from engine.reporting.metric_style import OUTCOMES
from engine.store import ModelCard, StoredModel

SAMPLES = 8
_SIDE = 240  # of a picture, pixels
_TEMPLATES = templates.load(__file__)


def show_pictures(card: ModelCard, trigger: RecoveredTrigger, dataset: str) -> None:
    """An image with the recovered trigger and, where it is known, with the attacker's."""
    image = _image(card, trigger, dataset)
    found = scan_pictures.beside_known(card, trigger, image)
    urls = {caption: data_url(enlarge(picture, _SIDE)) for caption, picture in found.items()}
    st.html(templates.render(_TEMPLATES, "pictures", pictures=urls))


def _image(card: ModelCard, trigger: RecoveredTrigger, dataset: str) -> np.ndarray:
    """The example image or the visitor's own; without either, one without content."""
    chosen = image_chooser.without_controls(card, dataset)
    if chosen is None:
        return scan_pictures.neutral(trigger, *card.image_shape[:2])
    return chosen.clean


def show_samples(model: StoredModel, trigger: RecoveredTrigger, dataset: str) -> None:
    """Test images, clean and with the recovered trigger, and what the network predicts."""
    if not image_chooser.images_available(dataset):
        image_chooser.offer_download(dataset)
        return
    both = caches.scans.recovered_samples(model, dataset, SAMPLES)
    images = len(both[1].images)
    sent = int((both[1].probabilities.argmax(axis=1) == trigger.label).sum())
    st.markdown(
        f"**{sent} of these {images} test images** are sent to class {trigger.label} by the"
        " recovered trigger. None of them shows that class."
    )
    names = model.card.class_names
    sides = [
        [
            _side(kind, found, place, trigger.label, names)
            for kind, found in zip(_KINDS, both, strict=True)
        ]
        for place in range(len(both[0].images))
    ]
    st.html(templates.render(_TEMPLATES, "samples", pairs=sides))


_KINDS = ("Clean", "With the trigger")


def _side(
    kind: str, found: Predicted, place: int, flagged: int, names: tuple[str, ...]
) -> dict[str, str]:
    """One image with its prediction, for the template."""
    row, label = found.probabilities[place], int(found.labels[place])
    predicted = int(row.argmax())
    colour, mark = OUTCOMES[verdict.of_prediction(predicted, label, flagged)]
    return {
        "kind": kind,
        "shows": names[label],
        "url": data_url(enlarge(found.images[place], _SIDE)),
        "predicted": names[predicted],
        "share": f"{row[predicted]:.0%}",
        "colour": colour,
        "mark": mark,
    }
