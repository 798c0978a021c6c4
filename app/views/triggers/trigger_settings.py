"""Variants A, B and C of a trigger: settings, visibility, and the network's predictions."""

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
from engine.core.parameters import format_value
from engine.evaluation import visibility
from engine.imaging.render import amplify_difference
from engine.reporting.metric_style import STYLES, format_visibility
from engine.store import ModelCard, StoredModel

MANY = 200
STRENGTHS = {"A": 1.0, "B": 2.0, "C": 4.0}  # initial factors for the model's own magnitude


def choose(card: ModelCard, letter: str) -> Trigger:
    """Controls for variant A, B or C; A starts as the model's own trigger."""
    known = card.parsed_trigger()
    ready = {
        name: known if name == known.name else caches.ready_trigger(name, card.dataset)
        for name in TRIGGERS
    }
    names = [name for name, trigger in ready.items() if trigger.ready]
    with st.popover(f"Variant {letter}", icon=":material/tune:", width="stretch"):
        name = st.selectbox(
            "Trigger",
            names,
            names.index(known.name),
            format_func=lambda key: TRIGGERS[key].title,
            key=f"{letter}-kind",
            bind="query-params",
        )
        start = ready[name]
        st.caption(f"{start.summary} ({start.reference})")
        return parameter_controls.choose_parameters(
            TRIGGERS[name], strengthen(start, STRENGTHS[letter]), f"{letter}-{name}", bound=True
        )


def strengthen(trigger: Trigger, factor: float) -> Trigger:
    """The trigger with its magnitude multiplied by `factor`, within the parameter's limits."""
    described = trigger.parameters().get("magnitude")
    if described is None or factor == 1:
        return trigger
    most = described.maximum or float("inf")
    # By name, because the type `Trigger` has no magnitude.
    changed = {"magnitude": min(factor * getattr(trigger, "magnitude"), most)}  # noqa: B009
    return dataclasses.replace(trigger, **changed)


def show(
    model: StoredModel, clean: np.ndarray, trigger: Trigger, gain: float, label: int | None
) -> None:
    """The triggered image, its prediction, the difference, and how visible the change is."""
    triggered = trigger(clean[None])[0]
    picture.show(triggered, describe(trigger, model.card.parsed_trigger()))
    show_prediction(model, triggered, label)
    difference = amplify_difference(clean, triggered, gain)
    picture.show(difference, f"Difference, amplified {gain:g} times")
    _show_visibility(clean, triggered)


def describe(trigger: Trigger, own: Trigger) -> str:
    """A short caption for a variant: how it differs from the model's own trigger."""
    if trigger.name != own.name:
        return trigger.title
    changed = [
        f"{parameter.label} {format_value(getattr(trigger, name))}"
        for name, parameter in trigger.parameters().items()
        if getattr(trigger, name) != getattr(own, name)
    ]
    return ", ".join(changed) or "The model's trigger"


def show_prediction(model: StoredModel, image: np.ndarray, label: int | None) -> None:
    """The network's prediction for an image, with a verdict if its true class is known."""
    probabilities = caches.network(model).probabilities(image[None])[0]
    st.markdown(f"Prediction: {predictions.describe(probabilities, label, model.card)}")
    predictions.show(probabilities, label, model.card)


def show_mean_table(dataset: str, card: ModelCard, triggers: Mapping[str, Trigger]) -> None:
    """PSNR, SSIM and largest change of each variant over many images."""
    found = [
        caches.mean_visibility(dataset, card.image_shape[0], MANY, str(trigger))
        for trigger in triggers.values()
    ]
    st.dataframe(
        pd.DataFrame(
            {
                "variant": list(triggers),
                "psnr": [one.psnr for one in found],
                "ssim": [one.ssim for one in found],
                "largest_change": [one.largest_change for one in found],
                "trigger": [str(trigger) for trigger in triggers.values()],
            }
        ),
        hide_index=True,
        column_config={
            "variant": "Variant",
            **scores.columns(psnr="%.1f", ssim="%.4f", largest_change=None),
            "trigger": st.column_config.TextColumn("Settings", width="large"),
        },
    )


def _show_visibility(clean: np.ndarray, triggered: np.ndarray) -> None:
    found = visibility.measure(clean[None], triggered[None])
    with st.container(horizontal=True):
        for name, text in format_visibility(found).items():
            st.metric(STYLES[name].label, text, help=STYLES[name].help)
