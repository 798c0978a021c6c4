"""Controls made from an object's parameters, so that a new trigger needs no new page."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import streamlit as st

from engine.core.parameters import Kind, Parameter, Parameterized, Value, format_value, parse_value
from engine.imaging.colour import CHANNELS

SMALL_RANGE = 2  # floats with a maximum up to this move in small steps


def choose_parameters(
    kind: type[Kind], start: Parameterized, key: str, bound: bool = False, first: str = ""
) -> Kind:
    """A control for each parameter of `kind`; returns the object with the values chosen.

    Args:
        kind: the class to make an object of.
        start: the initial values; its class must have the same fields.
        key: prefix of each control's key.
        bound: whether the link keeps the values.
        first: name of the parameter whose control stands above the others.

    Raises:
        UserError: the values do not fit together.
    """
    values: dict[str, Any] = {}
    top = st.container()
    for name, parameter in kind.parameters().items():
        options: dict[str, Any] = {
            "label": parameter.label,
            "help": parameter.help,
            "key": f"{key}-{name}",
            "bind": "query-params" if bound else None,
        }
        with top if name == first else nullcontext():
            values[name] = _control(name, parameter, getattr(start, name), options, values)
    return kind(**values)


def _control(
    name: str,
    parameter: Parameter,
    value: Value,
    options: dict[str, Any],
    chosen_so_far: dict[str, Any],
) -> Value:
    if isinstance(value, bool):
        return st.checkbox(value=value, **options)
    if isinstance(value, str):
        if parameter.choices is None:
            return value  # nothing to choose, such as the name of learned data
        chosen: str = st.segmented_control(
            options=parameter.choices, default=value, required=True, **options
        )
        return chosen
    if isinstance(value, tuple) and parameter.choices:
        return _choose_members(parameter.choices, value, options, chosen_so_far)
    if isinstance(value, tuple):
        text = st.text_input(value=format_value(value), **options)
        return parse_value(name, text.replace(" ", ""), value)
    return st.number_input(
        min_value=type(value)(parameter.minimum or 0),
        max_value=type(value)(parameter.maximum or 1e9),
        value=value,
        step=type(value)(1 if (parameter.maximum or 1e9) > SMALL_RANGE else 0.05),
        **options,
    )


def _choose_members(
    choices: tuple[Any, ...],
    value: tuple[Any, ...],
    options: dict[str, Any],
    chosen_so_far: dict[str, Any],
) -> tuple[Any, ...]:
    names = CHANNELS.get(chosen_so_far.get("colour_space", ""), tuple(map(str, choices)))
    chosen = st.pills(
        options=choices,
        selection_mode="multi",
        default=list(value),
        format_func=lambda choice: names[choice],
        **options,
    )
    return tuple(sorted(chosen))
