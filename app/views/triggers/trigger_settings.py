"""A trigger with its settings, beside others: how visible it is, and what the network says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from app import caches
from app.elements import picture, predictions, scores
from app.forms import parameter_controls
from engine.attacks.triggers import TRIGGERS, Trigger
from engine.evaluation import visibility
from engine.imaging.render import amplify_difference
from engine.reporting.metric_style import STYLES, format_visibility
from engine.store import ModelCard, StoredModel

MANY = 200
STRENGTHS = {"A": 1.0, "B": 2.0, "C": 4.0}  # of the model's own magnitude, to begin with


def choose(card: ModelCard, letter: str) -> Trigger:
    """Controls for one setting, A, B or C; the first begins as the model's own trigger."""
    known = card.parsed_trigger()
    ready = {
        name: known if name == known.name else caches.ready_trigger(name, card.dataset)
        for name in TRIGGERS
    }
    names = [name for name, trigger in ready.items() if trigger.ready]
    with st.popover(f"Setting {letter}", icon=":material/tune:", width="stretch"):
        name = st.selectbox(
            "Kind",
            names,
            names.index(known.name),
            format_func=lambda key: TRIGGERS[key].title,
            key=f"{letter}-kind",
            bind="query-params",
        )
        start = ready[name]
        st.caption(f"{start.summary} ({start.reference})")
        return parameter_controls.parameters(
            TRIGGERS[name], stronger(start, STRENGTHS[letter]), f"{letter}-{name}", bound=True
        )


def stronger(trigger: Trigger, factor: float) -> Trigger:
    """The trigger with its magnitude multiplied, as far as its limits allow."""
    described = trigger.parameters().get("magnitude")
    if described is None or factor == 1:
        return trigger
    most = described.maximum or float("inf")
    # Not every trigger has a magnitude: so by name, not as an attribute.
    changed = {"magnitude": min(factor * getattr(trigger, "magnitude"), most)}  # noqa: B009
    return dataclasses.replace(trigger, **changed)


def show(
    model: StoredModel, clean: np.ndarray, trigger: Trigger, gain: float, label: int | None
) -> None:
    """The triggered image, the difference, how visible it is, and what the network says."""
    card = model.card
    triggered = trigger(clean[None])[0]
    own = str(trigger) == card.trigger
    picture.show(triggered, "Triggered as in training" if own else "Triggered otherwise")
    said(model, triggered, label)
    picture.show(amplify_difference(clean, triggered, gain), f"Difference, {gain:g} times")
    _metrics(clean, triggered)


def said(model: StoredModel, image: np.ndarray, label: int | None) -> None:
    """What the network says of an image; `label` is its true class where that is known."""
    probabilities = caches.network(model).probabilities(image[None])[0]
    st.markdown(f"Prediction: {predictions.describe(probabilities, label, model.card)}")
    predictions.show(probabilities, label, model.card)


def mean_table(dataset: str, card: ModelCard, triggers: Mapping[str, Trigger]) -> None:
    """PSNR, SSIM and largest change of each setting over many images."""
    found = [
        caches.mean_visibility(dataset, card.image_shape[0], MANY, str(trigger))
        for trigger in triggers.values()
    ]
    st.dataframe(
        pd.DataFrame(
            {
                "setting": list(triggers),
                "psnr": [one.psnr for one in found],
                "ssim": [one.ssim for one in found],
                "largest_change": [one.largest_change for one in found],
                "trigger": [str(trigger) for trigger in triggers.values()],
            }
        ),
        hide_index=True,
        column_config={
            "setting": "Setting",
            **scores.columns(psnr="%.1f", ssim="%.4f", largest_change=None),
            "trigger": st.column_config.TextColumn("As text", width="large"),
        },
    )


def _metrics(clean: np.ndarray, triggered: np.ndarray) -> None:
    found = visibility.measure(clean[None], triggered[None])
    with st.container(horizontal=True):
        for name, text in format_visibility(found).items():
            st.metric(STYLES[name].label, text, help=STYLES[name].help)
