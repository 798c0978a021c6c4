"""The small JSON files of a run, read as if a stranger had written them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import pandas as pd

State = Literal["starting", "running", "interrupted", "stopped", "failed", "finished"]
ALIVE = ("starting", "running")
MAX_BYTES = 16 * 2**20
MAX_TEXT = 20_000  # characters
MAX_COUNT = 10**12
MAX_DEPTH = 8
PACE = ("images_per_second", "seconds_left")  # figures that every kind of work may tell


@dataclass(frozen=True)
class Status:
    """How far a run has come.

    Attributes:
        state: "interrupted" means that the worker died without a word.
        done, total, message, figures: of its latest `Progress`.
        error: one sentence when it failed.
        result: its answer once finished.
    """

    state: State = "starting"
    done: int = 0
    total: int = 0
    message: str = "Starting"
    figures: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether a worker is at it."""
        return self.state in ALIVE

    @property
    def share(self) -> float:
        """Done out of total, 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def table(self, figure: str, columns: Sequence[str]) -> pd.DataFrame | None:
        """A figure as a table of numbers; None while there is none with these columns."""
        import pandas as pd

        try:
            table = pd.DataFrame(self.figures.get(figure))[list(columns)]
        except (ValueError, TypeError, LookupError, AttributeError):
            return None
        numeric = all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)
        return table if numeric and len(table) else None


@dataclass(frozen=True)
class Request:
    """What a run was asked to do.

    Attributes:
        arguments: those behind ``python -m engine``; none if the file cannot be read.
        number: tells the order in which runs were first asked for; 0 if that is not known.
    """

    arguments: tuple[str, ...] = ()
    number: int = 0


def read_status(path: Path) -> Status | None:
    """The status in a file; None if there is none or any part of it is not as it must be."""
    content = _read(path)
    if not all(name in content and check(content[name]) for name, check in _STATUS.items()):
        return None
    return Status(**{name: content[name] for name in _STATUS})


def read_request(path: Path) -> Request:
    """The request in a file; what cannot be read is left out."""
    content = _read(path)
    arguments, number = content.get("arguments"), content.get("number")
    return Request(
        tuple(arguments) if isinstance(arguments, list) and all(map(_word, arguments)) else (),
        number if isinstance(number, int) and _count(number) else 0,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, MemoryError):
        return {}
    return content if isinstance(content, dict) else {}


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_COUNT


def _number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= MAX_COUNT  # false for NaN


def _text(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _word(value: Any) -> bool:
    return _text(value) and "\0" not in value


def _figures(value: Any) -> bool:
    return _data(value) and all(_number(value[name]) for name in PACE if name in value)


def _data(value: Any) -> bool:
    return isinstance(value, dict) and _plain(value, MAX_DEPTH)


def _plain(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and all(
            _text(key) and _plain(part, depth - 1) for key, part in value.items()
        )
    if isinstance(value, list):
        return depth > 0 and all(_plain(part, depth - 1) for part in value)
    if type(value) is int:
        return abs(value) <= MAX_COUNT
    # NaN and infinity are what a training that has gone astray tells of its loss.
    return value is None or isinstance(value, bool | float) or _text(value)


_STATUS: Mapping[str, Callable[[Any], bool]] = {
    "state": lambda value: value in get_args(State),
    "done": _count,
    "total": _count,
    "message": _text,
    "figures": _figures,
    "error": _text,
    "result": _data,
}
