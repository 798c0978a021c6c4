"""How the story ends: the triggered picture after pruning, and after a repair that repairs."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches
from app.elements import picture, predictions, scores
from app.forms.image_chooser import Chosen
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.store import StoredModel


def show(model: StoredModel, chosen: Chosen | None, pruned: np.ndarray | None) -> None:
    """The two side by side; the way to a repair where there is none yet.

    Args:
        model: the model in use.
        chosen: the image looked at, or None without images.
        pruned: what the pruned network says of it, triggered: float [classes]; None where
            nothing is pruned.
    """
    repaired = caches.repaired_copies(model).get(RECOMMENDED)
    if repaired is None:
        st.markdown(
            "Other methods take the trigger out and leave the rest. None has been tried on this"
            " model yet."
        )
        _to_the_page("Try a repair")
        return
    told = REPAIRS[RECOMMENDED]
    st.markdown(f"**{told.title}.** {told.summary} No triggered picture is needed for it.")
    before, after = model.card.scores["test"], repaired.card.scores["test"]
    scores.show(after, before)
    if chosen is not None:
        _pictures(model, repaired, chosen, pruned)
    _to_the_page("Compare all repairs")


def _pictures(
    model: StoredModel, repaired: StoredModel, chosen: Chosen, pruned: np.ndarray | None
) -> None:
    _, triggered = chosen.pair(model.card.trigger)
    mended = caches.network(repaired).probabilities(triggered[np.newaxis])[0]
    said = {"Triggered, after this repair": mended}
    if pruned is not None:
        said = {"Triggered, pruned as above": pruned, **said}
    with st.container(horizontal=True, gap="medium"):
        for title, probabilities in said.items():
            with st.container(width=300):
                picture.show(triggered, title)
                outcome = predictions.describe(probabilities, chosen.label, model.card)
                st.markdown(f"Prediction: {outcome}")
                predictions.show(probabilities, chosen.label, model.card)


def _to_the_page(label: str) -> None:
    st.page_link("../pages/repairs.py", label=label, icon=":material/healing:")
