"""The fields of a model card, each checked on its own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.core.errors import UNPRINTABLE, quoted
from engine.core.limited_reading import Unfit
from engine.core.names import is_name

MAX_CLASSES, MAX_SIDE = 1000, 1024
MAX_TEXT, MAX_ENTRIES, MAX_DEPTH = 4000, 10_000, 6
_SHA256 = re.compile(r"[0-9a-f]{64}")


def require(holds: bool, otherwise: str) -> None:
    """Raise `Unfit`, with `otherwise`, unless something holds."""
    if not holds:
        raise Unfit(otherwise)


def check_text(value: Any, name: str, empty: bool = False) -> str:
    """Text that can be shown, not overlong."""
    require(isinstance(value, str), f"its {name} is not text")
    require(empty or bool(value), f"its {name} is empty")
    require(len(value) <= MAX_TEXT, f"its {name} is overlong")
    require(not UNPRINTABLE.search(value), f"its {name} holds characters that cannot be shown")
    text: str = value
    return text


def check_number(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, whole: bool = False
) -> Any:
    """A finite number within inclusive limits; not True or False."""
    kinds = (int,) if whole else (int, float)
    require(type(value) in kinds, f"its {name} is not a {'whole ' if whole else ''}number")
    require(abs(value) < 1e15, f"its {name} is not finite, or far too large")
    require(low <= value <= high, f"its {name} cannot be {value:g}")
    return value


def _unless_unknown(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """A check of a value that may be None, which means that nobody knows it."""
    return lambda value, name: None if value is None else check(value, name)


def check_flag(value: Any, name: str) -> bool:
    """True or False."""
    require(type(value) is bool, f"its {name} is not true or false")
    flag: bool = value
    return flag


def _name(value: Any, name: str) -> str:
    text = check_text(value, name)
    require(is_name(text), f"its {name} cannot be a folder's")
    return text


def _class_names(value: Any, name: str) -> tuple[str, ...]:
    names = check_texts(value, name)
    require(2 <= len(names) <= MAX_CLASSES, f"it has {len(names)} classes")
    require(all(len(each) <= 200 for each in names), "it has a class with an overlong name")
    return names


def check_texts(value: Any, name: str) -> tuple[str, ...]:
    """A list of texts, not overlong."""
    require(isinstance(value, list) and len(value) <= MAX_ENTRIES, f"its {name} is not a list")
    return tuple(check_text(each, name) for each in value)


def _commands(value: Any, name: str) -> tuple[str, ...]:
    require(value != [], "it names no command that made it")
    return check_texts(value, name)


def _image_shape(value: Any, name: str) -> tuple[int, int, int]:
    require(isinstance(value, list) and len(value) == 3, "its image shape is not height, width, 3")
    height, width = (check_number(side, name, 1, MAX_SIDE, whole=True) for side in value[:2])
    require(value[2] == 3, "its image shape is not height, width, 3")
    return height, width, 3


def _scores(value: Any, name: str) -> dict[str, dict[str, float]]:
    require(isinstance(value, dict) and len(value) <= MAX_ENTRIES, f"its {name} are no table")
    return {
        split: _numbers(scores, f"{name} on {quoted(split)}") for split, scores in value.items()
    }


def _numbers(value: Any, name: str) -> dict[str, float]:
    require(isinstance(value, dict) and len(value) <= MAX_ENTRIES, f"its {name} are no table")
    return {key: check_number(number, name) for key, number in value.items()}


def _versions(value: Any, name: str) -> dict[str, str]:
    require(isinstance(value, dict) and len(value) <= MAX_ENTRIES, f"its {name} are no table")
    return {check_text(key, name): check_text(version, name) for key, version in value.items()}


def _details(value: Any, name: str) -> dict[str, Any]:
    require(isinstance(value, dict), f"its {name} is no table")
    _check_detail(value, name, 0)
    details: dict[str, Any] = value
    return details


def _check_detail(value: Any, name: str, depth: int) -> None:
    """Raise unless `value` is text, a number, or not too many and not too deep of these."""
    require(depth <= MAX_DEPTH, f"its {name} is nested too deeply")
    if isinstance(value, dict | list):
        require(len(value) <= MAX_ENTRIES, f"its {name} is overlong")
        for key in value if isinstance(value, dict) else ():
            check_text(key, name)
        for part in value.values() if isinstance(value, dict) else value:
            _check_detail(part, name, depth + 1)
    elif isinstance(value, str):
        check_text(value, name, empty=True)
    elif value is not None and not isinstance(value, bool):
        check_number(value, name)


def _training(value: Any, name: str) -> dict[str, Any]:
    """The settings; cards written when learning rates were constant do not name the schedule."""
    settings = _details(value, name)
    if "learning_rate" in settings:
        settings.setdefault("schedule", "constant")
    check_text(settings.get("architecture", "paper"), f"{name}.architecture")
    return settings


def _created(value: Any, name: str) -> str:
    text = check_text(value, name, empty=True)
    try:
        return text and datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError:
        raise Unfit(f"its {name} is not a date") from None


def _checksum(value: Any, name: str) -> str:
    text = check_text(value, name, empty=True)
    require(not text or _SHA256.fullmatch(text) is not None, f"its {name} is no checksum")
    return text


FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "name": _name,
    "dataset": check_text,
    "class_names": _class_names,
    "image_shape": _image_shape,
    "trigger": lambda value, name: check_text(value, name, empty=True),
    "target": _unless_unknown(lambda value, name: check_number(value, name, whole=True)),
    "rate": _unless_unknown(lambda value, name: check_number(value, name, 0, 1)),
    "poisoned": _unless_unknown(lambda value, name: check_number(value, name, 0, whole=True)),
    "training": _training,
    "scores": _scores,
    "commands": _commands,
    "poisoning": _details,
    "suite": lambda value, name: check_text(value, name, empty=True),
    "repair": _details,
    "assumed": check_flag,
    "imported": _details,
    "scaling": check_text,
    "versions": _versions,
    "created": _created,
    "sha256": _checksum,
    "format": lambda value, name: check_number(value, name, whole=True),
}
REQUIRED = tuple(FIELDS)[:11]
