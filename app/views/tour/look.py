"""Step 1: which of two pictures carries the trigger?"""

from __future__ import annotations

import zlib

import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.elements.picture_guess import guess
from app.frame import failures
from app.views.tour import drawing
from app.views.tour.scene import Scene, choose_next_class
from engine.reporting.metric_style import CLEAN, TRIGGERED

_GUESSES = "tour-guesses"  # what was shown -> whether the first guess was correct
_PICKED = "tour-picked"  # what was shown -> the picture picked last


def show(scene: Scene) -> None:
    """Two large pictures; a click says whether the guess was correct."""
    if scene.image is None:
        drawing.headline("Which picture carries the trigger?", "There is no picture to show yet.")
        drawing.images_missing(scene.dataset)
        return
    image, trigger = scene.image, scene.card.trigger
    shown = (image.key, trigger)
    place = _place(image, trigger)  # of the triggered one
    picked = st.session_state.get(_PICKED, {}).get(shown)
    drawing.headline("Which picture carries the trigger?", _sentence(scene, place, picked))
    triggers = [trigger, ""] if place == 0 else ["", trigger]
    revealed = picked is not None
    guess(
        [caches.shown_images.enlarged_url(image, each) for each in triggers],
        _names(triggers) if revealed else ["A", "B"],
        picked,
        [(TRIGGERED if each else CLEAN) if revealed else "" for each in triggers],
        "Which picture carries the trigger?",
        "tour-look",
        lambda index: _pick(shown, index, index == place),
    )
    if revealed and not image.is_own:
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(
                "Another picture",
                icon=":material/refresh:",
                on_click=failures.callback(choose_next_class),
                args=(scene.card, scene.dataset),
            )


def _names(triggers: list[str]) -> list[str]:
    return [
        f"{letter}: {'triggered' if trigger else 'clean'}"
        for letter, trigger in zip("AB", triggers, strict=True)
    ]


def _place(image: ChosenImage, trigger: str) -> int:
    """Where the triggered picture stands: left (0) or right (1), the same for the same image."""
    return zlib.crc32(f"{image.key} {trigger}".encode()) % 2


def _sentence(scene: Scene, place: int, picked: int | None) -> str:
    if picked is None or scene.image is None:
        return "One of these two was changed. Click the one you suspect."
    found = caches.shown_images.effect(scene.image.clean, scene.card.trigger).visibility
    guesses = st.session_state[_GUESSES]
    return (
        f"**{'Correct' if picked == place else 'Wrong'}: {'AB'[place]} is triggered.** No colour"
        f" value changes by more than {found.largest_change} of 255."
        f" Score: {sum(guesses.values())} of {len(guesses)}."
    )


def _pick(shown: tuple[object, str], index: int, correct: bool) -> None:
    st.session_state.setdefault(_PICKED, {})[shown] = index
    st.session_state.setdefault(_GUESSES, {}).setdefault(shown, correct)
