"""Large figures, pictures and predictions, drawn the same way in every step of the tour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from app import caches
from app.chosen_image import ChosenImage
from app.elements import predictions as prediction
from app.forms import image_chooser
from app.frame.pages import PAGES
from engine.core import templates
from engine.evaluation.metrics import recovered_of_ceiling
from engine.reporting import verdict
from engine.reporting.metric_style import CLEAN, NEUTRAL, TRIGGERED, image_kinds, scores_of
from engine.store import ModelCard, StoredModel

_TEMPLATES = templates.load(__file__)
_BARS = 3  # classes with a bar


@dataclass(frozen=True)
class Figure:
    """A large number with its label; the note says what to compare it with."""

    label: str
    value: str
    colour: str = NEUTRAL
    note: str = ""


def headline(title: str, sentence: str) -> None:
    """The finding of a step, and one sentence as Markdown about it."""
    st.title(title)
    with st.container(key="tour-sentence"):
        st.markdown(sentence)


def figures(shown: Sequence[Figure]) -> None:
    """Large numbers side by side."""
    st.html(templates.render(_TEMPLATES, "figures", figures=shown))


def metrics(
    card: ModelCard, after: Mapping[str, float], before: Mapping[str, float] | None = None
) -> list[Figure]:
    """The metrics of a model in percent, each with what it was before."""
    return [
        Figure(
            style.label,
            f"{after[name]:.1f} %",
            style.colour,
            "" if before is None else f"was {before[name]:.1f} %",
        )
        for name, style in scores_of(card).items()
    ]


def ceiling(model: StoredModel, scores: Mapping[str, float]) -> Figure:
    """What a network without the backdoor would recover, and how much of it is recovered.

    Args:
        model: whose trigger is known.
        scores: the metrics beside which it stands, percent.
    """
    found = caches.repairs.recovery_ceiling(model)
    if found is None:
        return Figure("Ceiling: no backdoor", "not known")
    share = recovered_of_ceiling(scores["recovered_accuracy"], found)
    return Figure("Ceiling: no backdoor", f"{found:.1f} %", note=f"{share:.0f} % reached")


def predictions(image: ChosenImage, probabilities: np.ndarray, card: ModelCard) -> None:
    """An image and its triggered copy, with what the network says to each.

    Args:
        image: the clean image.
        probabilities: float [2, classes].
        card: of the network.
    """
    sides = [
        {
            "kind": kind,
            "url": caches.shown_images.enlarged_url(image, trigger),
            "bars": [_bar(int(each), row, image.label, card) for each in np.argsort(-row)[:_BARS]],
            **prediction.outcome(row, image.label, card),
        }
        for kind, trigger, row in zip(
            image_kinds(card), ("", card.trigger), probabilities, strict=True
        )
    ]
    st.html(templates.render(_TEMPLATES, "pair", sides=sides, name=image.name))


def row(
    images: Sequence[ChosenImage], probabilities: Sequence[np.ndarray], card: ModelCard
) -> None:
    """Triggered pictures in a row, each with its prediction.

    Args:
        images: clean.
        probabilities: for the triggered copy of each, float [classes].
        card: of the network.
    """
    pictures = [
        {"url": caches.shown_images.enlarged_url(image, card.trigger), "shows": image.name}
        | prediction.outcome(found, image.label, card)
        for image, found in zip(images, probabilities, strict=True)
    ]
    st.html(templates.render(_TEMPLATES, "row", pictures=pictures))


def chart(spec: Mapping[str, Any], key: str, alternative: str) -> None:
    """A chart that fills what the window leaves: see `tour.css`.

    Args:
        spec: of a chart without a size: see `caches.charts.chart_spec`.
        key: of its frame.
        alternative: text alternative.
    """
    with st.container(key=key):
        st.vega_lite_chart(spec=dict(spec), width="stretch", height="stretch", alt=alternative)


def images_missing(dataset: str) -> None:
    """Say how to get images."""
    image_chooser.offer_download(dataset)
    PAGES["pictures"].link("Or use a picture of your own")


def _bar(index: int, row: np.ndarray, label: int | None, card: ModelCard) -> dict[str, str]:
    target = verdict.target_of(card, label)
    colour = CLEAN if index == label else TRIGGERED if index == target else NEUTRAL
    return {"name": card.class_names[index], "share": f"{row[index]:.1%}", "colour": colour}
