"""The JSON files of a job. Anyone may have edited them, so every value is checked when read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from engine.core import atomic_files
from engine.core.limited_reading import read_json_object

if TYPE_CHECKING:
    import pandas as pd

State = Literal["starting", "running", "interrupted", "stopped", "failed", "finished"]
ALIVE = ("starting", "running")
MAX_BYTES = 16 * 2**20
MAX_TEXT = 20_000  # characters
MAX_COUNT = 10**12
MAX_DEPTH = 8
PACE = ("images_per_second", "seconds_left")  # figures that any kind of work may report


@dataclass(frozen=True)
class Status:
    """How far a job has come.

    Attributes:
        state: "interrupted" means that the worker died before it could write how it ended.
        done, total, message, figures: of the latest `Progress`.
        error: one sentence if the job failed.
        result: the command's answer once the job has finished.
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
        """Whether a worker is starting or running."""
        return self.state in ALIVE

    @property
    def share(self) -> float:
        """Done out of total, from 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def table(self, figure: str, columns: Sequence[str]) -> pd.DataFrame | None:
        """A figure as a table of numbers; None unless it has rows with these columns."""
        import pandas as pd

        try:
            table = pd.DataFrame(self.figures.get(figure))[list(columns)]
        except (ValueError, TypeError, LookupError, AttributeError):
            return None
        numeric = all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)
        return table if numeric and len(table) else None

    def to_json(self) -> str:
        """The content of the status file."""
        # File names may hold bytes that are not text; the status must still be readable.
        text = json.dumps(asdict(self), ensure_ascii=False)
        return text.encode(errors="replace").decode()


@dataclass(frozen=True)
class Request:
    """What a job was asked to do.

    Attributes:
        kind: the command it runs, such as "train"; empty if it is unknown.
        arguments: the words that follow the program's name, the command first; empty if the file
            cannot be read.
        number: jobs are numbered in the order in which they were first requested; 0 if unknown.
    """

    kind: str = ""
    arguments: tuple[str, ...] = ()
    number: int = 0


def read_status(path: Path) -> Status | None:
    """Read a status file; None if it is missing or any value in it is wrong."""
    content = _read(path)
    if not all(name in content and check(content[name]) for name, check in _STATUS.items()):
        return None
    return Status(**{name: content[name] for name in _STATUS})


def read_request(path: Path) -> Request:
    """Read a request file; values that are missing or wrong are left at their defaults."""
    content = _read(path)
    kind, arguments, number = (content.get(name) for name in ("kind", "arguments", "number"))
    return Request(
        kind if isinstance(kind, str) and _word(kind) else "",
        tuple(arguments) if isinstance(arguments, list) and all(map(_word, arguments)) else (),
        number if isinstance(number, int) and _count(number) else 0,
    )


def write_request(path: Path, arguments: Sequence[str], number: int) -> None:
    """Write a request file; the kind of the job is its command, the first argument.

    Raises:
        WriteError: the file cannot be written.
    """
    request = Request("".join(arguments[:1]), tuple(arguments), number)
    atomic_files.write_text(path, json.dumps(asdict(request)))


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json_object(path, MAX_BYTES)
    except (OSError, ValueError, RecursionError, MemoryError):
        return {}


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
    # NaN and infinity are allowed: the loss of a diverged training is one of them.
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
