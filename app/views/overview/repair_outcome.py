"""What pruning and the recommended repair make of an image, and how good that repair is."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.frame.pages import PAGES
from engine.core import markdown
from engine.defenses.pruning.curve import Curve
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.reporting.metric_style import describe_ceiling, scores_of
from engine.store import StoredModel


def predictions_by_network(
    model: StoredModel, chosen: ChosenImage, curve: Curve | None, step: int
) -> dict[str, np.ndarray]:
    """Probabilities for the image, clean and triggered, by what was done to the network.

    Args:
        model: the model in use.
        chosen: the image.
        curve: along which it is pruned; None if there is none.
        step: how far.

    Returns:
        Name of each network -> float [2, classes], or [1, classes] where no trigger is known: as
        trained or imported, pruned, and repaired, as far as there are such networks.
    """
    first = "As imported" if model.card.imported and not model.card.repair else "As trained"
    found = {first: caches.predictions.predictions(model, chosen)}
    if curve is not None and step:
        steps = caches.predictions.predictions_while_pruned(model, chosen, curve.layer, curve.order)
        share = curve.test["fraction"].iloc[step]
        found[f"Pruned: {share:.0%} of the channels"] = steps[step]
    repaired = caches.repairs.repaired_copies(model).get(RECOMMENDED)
    if repaired is not None:
        found[f"Repaired: {REPAIRS[RECOMMENDED].title.lower()}"] = caches.predictions.network(
            repaired
        ).probabilities(caches.shown_images.variants(chosen, model.card.trigger))
    return found


def describe(model: StoredModel) -> None:
    """What the recommended repair achieves on this model, or a link to try it."""
    card = model.card
    if card.repair:
        parent = markdown.escape(str(card.repair.get("parent", "")))
        st.markdown(f"This is a repaired copy of **{parent}**.")
        return
    repaired = caches.repairs.repaired_copies(model).get(RECOMMENDED)
    repair = REPAIRS[RECOMMENDED]
    if repaired is not None:
        after = repaired.card.scores["test"]
        figures = ", ".join(
            f"{style.label.lower()} {card.scores['test'][name]:.1f} → **{after[name]:.1f} %**"
            for name, style in scores_of(card).items()
        )
        if card.knows_trigger:
            ceiling = caches.repairs.recovery_ceiling(model)
            figures += f", {describe_ceiling(after['recovered_accuracy'], ceiling)}"
        st.markdown(f"**{repair.title}** needs no triggered images: {figures}.")
    elif not card.is_clean:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                "No repair has been tried on this model yet. Some remove"
                f" {'the' if card.poisoned else 'a'} backdoor and keep clean accuracy.",
                width="content",
            )
            PAGES["repairs"].link("Try one")
