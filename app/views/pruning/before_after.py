"""The same images, triggered where a trigger is known, before and after pruning."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import caches
from app.elements import predictions
from engine.core import markdown
from engine.datasets import example_class
from engine.reporting.metric_style import image_kinds
from engine.store import ModelCard, StoredModel

DEFAULT_COUNT = 4


def show(model: StoredModel, dataset: str, layer: str, order: str, step: int) -> None:
    """One image for each class chosen, with the predictions before and after pruning.

    Args:
        model: the model in use.
        dataset: whose test images.
        layer, order: of a stored pruning curve.
        step: how many channels are pruned.
    """
    card = model.card
    caches.dataset_images.test_images(
        dataset, card.image_shape[0]
    )  # shows its progress here, not in a cache
    kind = image_kinds(card)[-1]
    labels = st.multiselect(
        f"{kind} images of these classes" if card.knows_trigger else "Images of these classes",
        range(len(card.class_names)),
        default=_default_classes(card),
        format_func=lambda number: f"{number}: {card.class_names[number]}",
        max_selections=8,
        key="before-after",
        persist_state="session",
        help="One test image of each class, the one with the most contrast"
        f"{', with the trigger' if card.knows_trigger else ''}.",
    )
    if not labels:
        st.info("Choose at least one class to see its image.")
        return
    key = (caches.models.version(model), dataset, layer, order, tuple(labels))
    with st.container(horizontal=True, gap="medium"):
        for label, picture, probabilities in caches.predictions.pruned_examples(model, *key):
            caption = f"{kind}: {card.class_names[label]}"
            with st.container(width=240):
                st.image(picture, caption=markdown.escape(caption), alt=caption, width="stretch")
                st.markdown(
                    f"**Before:** {predictions.describe(probabilities[0], label, card)}\n\n"
                    f"**After:** {predictions.describe(probabilities[step], label, card)}"
                )


def _default_classes(card: ModelCard) -> list[int]:
    """A few classes spread over all but the target, the dataset's example class first."""
    classes = [label for label in range(len(card.class_names)) if label != card.target]
    positions = np.linspace(0, len(classes) - 1, min(DEFAULT_COUNT, len(classes))).astype(int)
    first = [label for label in [example_class(card.dataset)] if label in classes]
    return list(dict.fromkeys([*first, *(classes[position] for position in positions)]))[
        :DEFAULT_COUNT
    ]
