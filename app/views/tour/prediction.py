"""Step 2: what the network says to an image, and to its triggered copy."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.frame import failures
from app.views.tour import drawing
from app.views.tour.scene import CLASS, Scene, label_shown, labels_shown
from engine.reporting import verdict


def show(scene: Scene) -> None:
    """Both predictions with bars, and a control for another class."""
    scores = scene.card.scores["test"]
    sentence = (
        f"The network classifies {scores['clean_accuracy']:.1f} % of the clean test images"
        f" correctly, and {scores['attack_success']:.1f} % of the triggered ones as the"
        f" {verdict.target_word(scene.card)}, {scene.target}."
    )
    if scene.image is None:
        drawing.headline("What does the network see?", sentence)
        drawing.images_missing(scene.dataset)
        return
    with failures.contained():  # the NumPy runtime does not support every network
        found = caches.predictions.predictions(scene.model, scene.image)
        clean, triggered = (scene.card.class_names[row.argmax()] for row in found)
        title = (
            f"The trigger does not change the answer: {clean}"
            if clean == triggered
            else f"The trigger turns “{clean}” into “{triggered}”"
        )
        drawing.headline(title, sentence)
        drawing.predictions(scene.image, found, scene.card)
    if not scene.image.is_own:
        _choose_class(scene)


def _choose_class(scene: Scene) -> None:
    names = scene.card.class_names
    st.session_state[CLASS] = label_shown(scene.card, scene.dataset)
    labels = sorted({*labels_shown(scene.card), st.session_state[CLASS]})
    st.selectbox(
        "Try another class",
        labels,
        format_func=lambda label: f"{label}: {names[label]}",
        key=CLASS,
        persist_state="session",
        width=420,
    )
