"""Parameters that describe themselves: limits and help live in the dataclass's fields.

A trigger, detector, repair or architecture is a frozen dataclass derived from `Parameterized`. The
command line and the dashboard build their options and controls from its fields, and a text such as
``ftrojan:magnitude=30,bands=15x15+31x31`` names one with all its values.
"""

from __future__ import annotations

import math
import re
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import unquote

from engine.core.errors import UserError, quoted
from engine.core.registry import Registry

MAX_TEXT = 4000  # characters that name an object with all its values

Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...] | tuple[tuple[Scalar, ...], ...]

# What has a meaning in the text of an object, or would be stripped there: written as %XX.
_SPECIAL = re.compile(r"[%,+\s\x00-\x1f]")
_SPECIAL_IN_PAIRS = re.compile(r"[%,+x\s\x00-\x1f]")


@dataclass(frozen=True)
class Parameter:
    """What a field's value means and which values it may take.

    Attributes:
        label: a few words, for a control.
        help: one sentence for someone new to it.
        minimum, maximum: inclusive limits, for every number in the value.
        choices: the values allowed, or the members allowed in a tuple.
    """

    label: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] | None = None

    def check(self, name: str, value: Value) -> None:
        """Raise `UserError` unless `value` is allowed."""
        members = _members(value)
        if not members:
            raise UserError(f"{name} is empty: give at least one value.")
        for member in members:
            self._check_member(name, member)

    def _check_member(self, name: str, member: float | int | str) -> None:
        if self.choices is not None and member not in self.choices:
            allowed = ", ".join(str(choice) for choice in self.choices)
            raise UserError(f"{name} cannot be {quoted(member)}: choose from {allowed}.")
        if isinstance(member, str):
            return
        if isinstance(member, float) and not math.isfinite(member):
            raise UserError(f"{name} must be a finite number, not {member}.")
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        if not low <= member <= high:
            raise UserError(
                f"{name} is {quoted(member)}: it must lie between {low:g} and {high:g}."
            )


def _members(value: Value) -> list[Any]:
    if not isinstance(value, tuple):
        return [value]
    return [part for item in value for part in _members(item)]


def parameter(default: Value, label: str, help: str, **limits: Any) -> Any:
    """A dataclass field with its meaning and limits; see `Parameter` for `limits`."""
    return field(default=default, metadata={"parameter": Parameter(label, help, **limits)})


def format_value(value: Value) -> str:
    """A value as text without commas: ``15x15+31x31``, ``1+2``, ``30``, ``YUV``, ``true``."""
    if not isinstance(value, tuple):
        return _format_scalar(value, _SPECIAL)
    return "+".join(
        "x".join(_format_scalar(part, _SPECIAL_IN_PAIRS) for part in item)
        if isinstance(item, tuple)
        else _format_scalar(item, _SPECIAL)
        for item in value
    )


def _format_scalar(value: Scalar, special: re.Pattern[str]) -> str:
    if isinstance(value, str):
        return special.sub(
            lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), value
        )
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        # All digits, so that the text stands for the very same value; no plus, which parts a list.
        return str(float(value)).removesuffix(".0").replace("e+", "e")
    return str(value)


def parse_value(name: str, text: str, like: Value) -> Value:
    """The value that `text` stands for, of the same kind as `like`."""
    try:
        if not isinstance(like, tuple):
            return _parse_scalar(text, like)
        return tuple(_parse_item(item, like[0]) for item in text.split("+"))
    except ValueError:
        example = format_value(like)
        raise UserError(f"{name} cannot be {quoted(text)}: write it like {example}.") from None


def _parse_item(text: str, like: Any) -> Any:
    if not isinstance(like, tuple):
        return _parse_scalar(text, like)
    return tuple(_parse_scalar(part, one) for part, one in zip(text.split("x"), like, strict=True))


def _parse_scalar(text: str, like: Scalar) -> Scalar:
    if isinstance(like, str):
        return unquote(text, errors="strict") if "%" in text else text
    if isinstance(like, bool):
        if text not in ("true", "false"):
            raise ValueError
        return text == "true"
    return float(text) if isinstance(like, float) else int(text)


@dataclass(frozen=True)
class Parameterized(ABC):
    """Base of everything whose fields are its parameters.

    Attributes:
        required: the class attributes without which a class is incomplete; see `Registry`.
        name: its name on the command line and on cards.
        title: its name on pages.
    """

    required: ClassVar[tuple[str, ...]] = ("name", "title")
    name: ClassVar[str]
    title: ClassVar[str]

    def __post_init__(self) -> None:
        for name, described in self.parameters().items():
            described.check(f"{self.name}'s {name}", getattr(self, name))

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Name and description of each parameter, in the order of the fields."""
        return {item.name: item.metadata["parameter"] for item in fields(cls)}

    @classmethod
    def defaults(cls) -> dict[str, Value]:
        """Name and default value of each parameter."""
        return {item.name: item.default for item in fields(cls)}  # type: ignore[misc]

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Self:
        """Build one from parameters as text; those left out keep their defaults."""
        defaults = cls.defaults()
        unknown = sorted(set(texts) - set(defaults))
        if unknown:
            raise UserError(
                f"{cls.name} has no parameter {quoted(unknown[0])}: it has {', '.join(defaults)}."
            )
        values = {key: parse_value(key, text, defaults[key]) for key, text in texts.items()}
        return cls(**values)

    def __str__(self) -> str:
        """The text that `parse` turns into an equal object."""
        values = [
            f"{key}={format_value(value)}"
            for key, default in self.defaults().items()
            if (value := getattr(self, key)) != "" or default != ""
        ]
        return ":".join([self.name, ",".join(values)] if values else [self.name])


Kind = TypeVar("Kind", bound=Parameterized)


def parse(text: str, registry: Registry[type[Kind]]) -> Kind:
    """The object that ``NAME[:field=value,...]`` names in `registry`.

    Raises:
        UserError: it names none, or one with values that are not allowed.
    """
    if len(text) > MAX_TEXT:
        raise UserError(
            f"The text of a {registry.noun} has {MAX_TEXT} characters at most, not {len(text)}."
        )
    name, _, rest = text.partition(":")
    kind = registry.find(name)
    texts: dict[str, str] = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise UserError(f"{quoted(item)} in {quoted(text)} is not of the form field=value.")
        if key.strip() in texts:
            raise UserError(f"{quoted(text)} sets {quoted(key.strip())} twice: leave one out.")
        texts[key.strip()] = value.strip()
    return kind.from_texts(texts)
