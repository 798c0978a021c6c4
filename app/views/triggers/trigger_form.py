"""The trigger that the page looks at: which one, and its parameters."""

from __future__ import annotations

import dataclasses
from typing import Literal

import streamlit as st

from app import caches
from app.forms import image_chooser, parameter_controls
from app.frame import address
from engine.attacks.triggers import TRIGGERS, Trigger
from engine.core.errors import UserError
from engine.core.parameters import format_value, parse_value
from engine.store import ModelCard, StoredModel

MAX_VALUES = 6
_GAIN = "gain"
_USUAL_FACTORS = (1 / 3, 2 / 3, 1, 5 / 3)  # of the value in the settings
_STRENGTHS = ("magnitude", "strength", "alpha", "amplitude", "opacity")  # the first one counts


def hold_settings() -> None:
    """Keep the settings that several tabs share in the address; each tab calls it first."""
    address.hold(image_chooser.CLASS, image_chooser.NUMBER, _GAIN, "trigger-")


def describe_own(card: ModelCard) -> str:
    """What the trigger on a model's card is to the model."""
    if card.assumed:
        return "the assumed one"
    return "the model's own" if card.poisoned else "the one tried on this model"


def usual_trigger(card: ModelCard, name: str) -> Trigger:
    """A trigger with its usual settings; the model's own one with the model's settings."""
    own = None if card.backdoor is None else card.backdoor.trigger
    return (
        own if own and name == own.name else caches.shown_images.ready_trigger(name, card.dataset)
    )


def choose(model: StoredModel) -> Trigger:
    """Controls for a trigger and its parameters; it starts as the model's own, if that is known.

    The keys contain the model's name, so that each model starts with its own trigger.
    """
    card = model.card
    own = None if card.backdoor is None else card.backdoor.trigger
    triggers = {name: usual_trigger(card, name) for name in TRIGGERS}
    first = own.name if own else _first_that_fits(triggers, card.image_shape[0])
    names = [name for name, trigger in triggers.items() if trigger.ready or name == first]
    name = st.selectbox(
        "Trigger",
        names,
        names.index(first),
        format_func=lambda name: TRIGGERS[name].title,
        key=f"trigger-{model.name}",
        bind="query-params",
        help=f"{own.title} is {describe_own(card)}. {own.summary}" if own else None,
    )
    start = triggers[name]
    chosen: Trigger = parameter_controls.choose_parameters(
        TRIGGERS[name],
        start,
        f"trigger-{model.name}-{name}",
        bound=True,
        first=strength_parameter(start),
    )
    return chosen


def _first_that_fits(triggers: dict[str, Trigger], size: int) -> str:
    """The name of the first trigger that suits images of that side; the first if none does."""
    fitting = (
        name
        for name, each in triggers.items()
        if each.ready and caches.shown_images.fits(str(each), size)
    )
    return next(fitting, next(iter(triggers)))


def choose_values(model: StoredModel, trigger: Trigger) -> dict[str, Trigger]:
    """Controls for a list of values of one parameter.

    Returns:
        Label and value, such as "Magnitude 30" -> the trigger with that value, in the order of
        the list. Empty if the trigger has no number to vary.

    Raises:
        UserError: a value is not allowed, or there are too many.
    """
    names = numeric_parameters(trigger)
    if not names:
        return {}
    labels = {name: trigger.parameters()[name].label for name in names}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Parameter to vary",
            names,
            names.index(strength_parameter(trigger)),
            format_func=labels.__getitem__,
            key=f"vary-{model.name}-{trigger.name}",
            bind="query-params",
            width=160,
        )
        start = usual_trigger(model.card, trigger.name)
        usual = ", ".join(format_value(value) for value in usual_values(start, name))
        text = st.text_input(
            f"Values, up to {MAX_VALUES}",
            usual,
            key=f"values-{model.name}-{trigger.name}-{name}",
            bind="query-params",
            help="Separated by commas. The other parameters stay as set beside the strip.",
        )
    return {
        f"{labels[name]} {format_value(getattr(varied, name))}": varied
        for varied in vary(trigger, name, text)
    }


def choose_gain(width: int | Literal["stretch"] = "stretch") -> int:
    """A control for the factor by which differences are amplified; the tabs share it."""
    return st.slider(
        "Amplify the difference",
        1,
        40,
        15,
        format="%d times",
        key=_GAIN,
        bind="query-params",
        help="The factor for pictures of the difference, which are grey where nothing changed.",
        width=width,
    )


def numeric_parameters(trigger: Trigger) -> list[str]:
    """Names of the parameters that are numbers; a seed is none."""
    values = {name: getattr(trigger, name) for name in trigger.parameters()}
    return [
        name
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name != "seed"
    ]


def strength_parameter(trigger: Trigger) -> str:
    """The name of the number that says how strong a trigger is; empty if it has no number."""
    names = numeric_parameters(trigger)
    known = [name for name in _STRENGTHS if name in names]
    return next(iter([*known, *names]), "")


def usual_values(trigger: Trigger, name: str) -> list[int | float]:
    """Values around the one in the settings: magnitude 30 gives 10, 20, 30 and 50."""
    value, described = getattr(trigger, name), trigger.parameters()[name]
    low = described.minimum if described.minimum is not None else float("-inf")
    high = described.maximum if described.maximum is not None else float("inf")
    found = (min(max(float(f"{factor * value:.2g}"), low), high) for factor in _USUAL_FACTORS)
    return list(dict.fromkeys(round(one) if isinstance(value, int) else one for one in found))


def vary(trigger: Trigger, name: str, text: str) -> list[Trigger]:
    """The trigger with each of the values in a text such as "10, 20, 30".

    Raises:
        UserError: a value is not a number or not allowed, or there are none or too many.
    """
    parts = list(dict.fromkeys(text.replace(",", " ").split()))
    if not 1 <= len(parts) <= MAX_VALUES:
        raise UserError(f"Give 1 to {MAX_VALUES} values, separated by commas, such as 10, 20, 30.")
    like = getattr(trigger, name)
    label = trigger.parameters()[name].label
    values = dict.fromkeys(parse_value(label, part, like) for part in parts)
    return [dataclasses.replace(trigger, **{name: value}) for value in values]
