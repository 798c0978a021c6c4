"""The end of the story: the triggered picture after pruning and after the recommended repair."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.elements import picture, predictions, scores
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.store import StoredModel


def show(model: StoredModel, chosen: ChosenImage | None, pruned: np.ndarray | None) -> None:
    """The two side by side; a link to the page Repairs if there is no repair yet.

    Args:
        model: the model in use.
        chosen: the chosen image, or None without images.
        pruned: the pruned network's probabilities for its triggered copy, float [classes]; None
            if nothing is pruned.
    """
    repaired = caches.repaired_copies(model).get(RECOMMENDED)
    if repaired is None:
        st.markdown(
            "Other methods can remove the backdoor and keep clean accuracy. None has been tried on"
            " this model yet."
        )
        _to_the_page("Try a repair")
        return
    repair = REPAIRS[RECOMMENDED]
    st.markdown(f"**{repair.title}.** {repair.summary} It needs no triggered images.")
    before, after = model.card.scores["test"], repaired.card.scores["test"]
    scores.show(after, before)
    if chosen is not None:
        _pictures(model, repaired, chosen, pruned)
    _to_the_page("Compare all repairs")


def _pictures(
    model: StoredModel, repaired: StoredModel, chosen: ChosenImage, pruned: np.ndarray | None
) -> None:
    triggered = caches.triggered(chosen, model.card.trigger)
    after = caches.network(repaired).probabilities(triggered[np.newaxis])[0]
    predicted = {"Triggered, after this repair": after}
    if pruned is not None:
        predicted = {"Triggered, pruned as above": pruned, **predicted}
    with st.container(horizontal=True, gap="medium"):
        for title, probabilities in predicted.items():
            with st.container(width=300):
                picture.show(triggered, title)
                outcome = predictions.describe(probabilities, chosen.label, model.card)
                st.markdown(f"Prediction: {outcome}")
                predictions.show(probabilities, chosen.label, model.card)


def _to_the_page(label: str) -> None:
    st.page_link("../pages/repairs.py", label=label, icon=":material/healing:")
