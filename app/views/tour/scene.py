"""What every step of the tour is about: the model in use, one image, its pruning curve."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app import caches, own_pictures
from app.chosen_image import ChosenImage
from app.forms import image_chooser
from engine.core import markdown
from engine.datasets import example_class
from engine.defenses.pruning.curve import Curve
from engine.reporting import verdict
from engine.store import ModelCard, StoredModel, pruning_curves

CLASS = "tour-class"  # key of the control, and of the choice itself
EXAMPLES = 5  # triggered pictures in a row


@dataclass(frozen=True)
class Scene:
    """The subject of the tour.

    Attributes:
        model: in use.
        dataset: whose test images are shown.
        image: None if the test images are missing and the visitor added no picture.
        curve: the first stored pruning curve; None if there is none.
    """

    model: StoredModel
    dataset: str
    image: ChosenImage | None
    curve: Curve | None

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self.model.card

    @property
    def attack_works(self) -> bool:
        """Whether the trigger takes over the network."""
        return self.card.scores["test"]["attack_success"] > verdict.WORKS

    @property
    def backdoor(self) -> str:
        """What a sentence calls the backdoor."""
        return "assumed trigger" if self.card.assumed else "backdoor"

    @property
    def target(self) -> str:
        """The target class, as Markdown."""
        return f"**{markdown.escape(self.card.known_backdoor().target_name)}**"


def arrange(model: StoredModel, dataset: str) -> Scene:
    """Find out what there is to show for a model."""
    return Scene(model, dataset, _image(model.card, dataset), _curve(model))


def labels_shown(card: ModelCard) -> list[int]:
    """Classes to choose from: all but the target, which the attacker need not change."""
    return [label for label in range(len(card.class_names)) if label != card.target]


def label_shown(card: ModelCard, dataset: str) -> int:
    """The class whose image is shown."""
    usual = min(example_class(dataset), len(card.class_names) - 1)
    label: int = st.session_state.get(CLASS, usual)
    return label if label in labels_shown(card) else usual


def choose_next_class(card: ModelCard, dataset: str) -> None:
    """Go on to the image of another class."""
    labels, now = labels_shown(card), label_shown(card, dataset)
    place = labels.index(now) + 1 if now in labels else 0
    st.session_state[CLASS] = labels[place % len(labels)]


def examples(scene: Scene) -> list[ChosenImage]:
    """The visitor's own picture in use, and test images of a few classes.

    The classes are spread over all but the target, the example class first.
    """
    card, dataset = scene.card, scene.dataset
    own = [scene.image] if scene.image is not None and scene.image.is_own else []
    if not image_chooser.images_available(dataset):
        return own
    labels = labels_shown(card)
    first = min(example_class(dataset), len(card.class_names) - 1)
    spread = [labels[place * len(labels) // EXAMPLES] for place in range(EXAMPLES)]
    chosen = list(dict.fromkeys([first, *spread]))[:EXAMPLES]
    found = (_test_image(card, dataset, label) for label in chosen)
    return [*own, *(image for image in found if image is not None)][:EXAMPLES]


def _image(card: ModelCard, dataset: str) -> ChosenImage | None:
    """The visitor's own picture in use, or the test image of the class chosen."""
    own = own_pictures.in_use()
    if own is not None:
        return own_pictures.chosen(own, card)
    if not image_chooser.images_available(dataset):
        return None
    return _test_image(card, dataset, label_shown(card, dataset))


def _test_image(card: ModelCard, dataset: str, label: int) -> ChosenImage | None:
    if not len(caches.dataset_images.class_images(dataset, card.image_shape[0], label).indices):
        return None
    return caches.shown_images.best_of_class(card, dataset, label)


def _curve(model: StoredModel) -> Curve | None:
    for layer, order in pruning_curves.stored_curves(model)[:1]:
        return caches.models.curve(model, layer, order)
    return None
