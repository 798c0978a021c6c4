"""Controls made from the fields of a trigger, so that a new trigger needs no new page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.colour import CHANNELS
from engine.parameters import Configurable, Kind, Parameter, Value, format_value, parse_value


def parameters(kind: type[Kind], start: Configurable, key: str) -> Kind:
    """A control for each parameter of `kind`, beginning at the values of `start`.

    Raises:
        LabError: the values do not fit together.
    """
    values: dict[str, Any] = {}
    for name, described in kind.parameters().items():
        values[name] = _control(name, described, getattr(start, name), f"{key}-{name}", values)
    return kind(**values)


def _control(
    name: str, described: Parameter, value: Value, key: str, others: dict[str, Any]
) -> Value:
    label, help = described.label, described.help
    if isinstance(value, str):
        return str(_choice(label, help, described.choices or (value,), value, key))
    if isinstance(value, tuple) and described.choices:
        return _members(label, help, described.choices, value, key, others)
    if isinstance(value, tuple):
        text = st.text_input(label, format_value(value), key=key, help=help)
        return parse_value(name, text.replace(" ", ""), value)
    return st.number_input(
        label,
        min_value=type(value)(described.minimum or 0),
        max_value=type(value)(described.maximum or 1e9),
        value=value,
        step=type(value)(1),
        key=key,
        help=help,
    )


def _choice(label: str, help: str, choices: tuple[Any, ...], value: Any, key: str) -> Any:
    return st.segmented_control(label, choices, default=value, required=True, key=key, help=help)


def _members(
    label: str,
    help: str,
    choices: tuple[Any, ...],
    value: tuple[Any, ...],
    key: str,
    others: dict[str, Any],
) -> tuple[Any, ...]:
    names = CHANNELS.get(others.get("colour_space", ""), tuple(map(str, choices)))
    chosen = st.pills(
        label,
        choices,
        selection_mode="multi",
        default=list(value),
        format_func=lambda choice: names[choice],
        key=key,
        help=help,
    )
    return tuple(sorted(chosen))
