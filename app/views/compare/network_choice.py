"""Which two networks are compared: models, and pruned or repaired copies of the model in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.forms import threshold_slider
from engine.core.errors import UserError
from engine.defenses.pruning.curve import Curve
from engine.defenses.repairs import REPAIRS
from engine.store import StoredModel, pruning_curves


@dataclass(frozen=True)
class Network:
    """One of the two.

    Attributes:
        title: what the pages call it.
        stored: the model, or the repaired copy.
        listed: whether it is a model that commands know by its name.
        curve: along which it is pruned; None for a whole network.
    """

    title: str
    stored: StoredModel
    listed: bool = True
    curve: Curve | None = None

    def predictions(self, model: StoredModel, image: ChosenImage) -> np.ndarray:
        """Probabilities for the image, clean and with the trigger of `model`: [2, classes].

        Where no trigger is known for `model`: for the clean image alone, [1, classes].
        """
        if self.curve is not None:
            step = threshold_slider.chosen_step(model, self.curve)
            steps = caches.predictions.predictions_while_pruned(
                model, image, self.curve.layer, self.curve.order
            )
            probabilities: np.ndarray = steps[step]
            return probabilities
        images = caches.shown_images.variants(image, model.card.trigger)
        return caches.predictions.network(self.stored).probabilities(images)


def offered(model: StoredModel) -> dict[str, Network]:
    """Every network with the classes of the model in use, that model and its copies first."""
    titles = caches.models.model_titles()
    own = titles.get(model.name, model.name)
    found = [Network(own, model)]
    for layer, order in pruning_curves.stored_curves(model)[:1]:
        curve = caches.models.curve(model, layer, order)
        found.append(Network(f"{own}, pruned at the threshold", model, False, curve))
    for method, copy in caches.repairs.repaired_copies(model).items():
        title = REPAIRS[method].title if method in REPAIRS else method
        listed = copy.name in titles and copy.name != model.name
        found.append(Network(f"{own}, repaired: {title}", copy, listed))
    for name, title in titles.items():
        try:
            other = caches.models.model(name)
        except UserError:
            continue
        alike = other.card.class_names == model.card.class_names
        if name != model.name and alike and other.card.image_shape == model.card.image_shape:
            found.append(Network(title, other))
    return {network.title: network for network in found}


def choose(networks: dict[str, Network]) -> tuple[Network, Network]:
    """Controls for the two; at first the model in use and the best-known copy of it."""
    titles = list(networks)
    repaired = [title for title in titles if networks[title].stored.card.repair]
    second = repaired[0] if repaired else titles[min(1, len(titles) - 1)]
    left, right = st.columns(2, gap="large")
    with left:
        one = st.selectbox("First network", titles, key="compare-first", bind="query-params")
    with right:
        other = st.selectbox(
            "Second network",
            titles,
            index=titles.index(second),
            key="compare-second",
            bind="query-params",
        )
    return networks[one], networks[other]
