"""Controls made from the fields of a trigger, so that a new trigger needs no new page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.core.parameters import Kind, Parameter, Parameterized, Value, format_value, parse_value
from engine.imaging.colour import CHANNELS

FINE = 2  # up to there a float goes in small steps


def parameters(kind: type[Kind], start: Parameterized, key: str, bound: bool = False) -> Kind:
    """A control for each parameter of `kind`, beginning at the values of `start`.

    Args:
        kind: what to make.
        start: its values, or those of another kind with the same fields, to begin with.
        key: begins the key of each control.
        bound: whether the values travel in the link.

    Raises:
        UserError: the values do not fit together.
    """
    values: dict[str, Any] = {}
    for name, described in kind.parameters().items():
        about: dict[str, Any] = {
            "label": described.label,
            "help": described.help,
            "key": f"{key}-{name}",
            "bind": "query-params" if bound else None,
        }
        values[name] = _control(name, described, getattr(start, name), about, values)
    return kind(**values)


def _control(
    name: str, described: Parameter, value: Value, about: dict[str, Any], others: dict[str, Any]
) -> Value:
    if isinstance(value, bool):
        return st.checkbox(value=value, **about)
    if isinstance(value, str):
        if described.choices is None:
            return value  # nothing to choose: what a trigger has learned, say
        chosen: str = st.segmented_control(
            options=described.choices, default=value, required=True, **about
        )
        return chosen
    if isinstance(value, tuple) and described.choices:
        return _members(described.choices, value, about, others)
    if isinstance(value, tuple):
        text = st.text_input(value=format_value(value), **about)
        return parse_value(name, text.replace(" ", ""), value)
    return st.number_input(
        min_value=type(value)(described.minimum or 0),
        max_value=type(value)(described.maximum or 1e9),
        value=value,
        step=type(value)(1 if (described.maximum or 1e9) > FINE else 0.05),
        **about,
    )


def _members(
    choices: tuple[Any, ...],
    value: tuple[Any, ...],
    about: dict[str, Any],
    others: dict[str, Any],
) -> tuple[Any, ...]:
    names = CHANNELS.get(others.get("colour_space", ""), tuple(map(str, choices)))
    chosen = st.pills(
        options=choices,
        selection_mode="multi",
        default=list(value),
        format_func=lambda choice: names[choice],
        **about,
    )
    return tuple(sorted(chosen))
