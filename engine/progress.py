"""Long work is a generator of `Progress`; its return value is the result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """How far a piece of long work has come.

    Attributes:
        done: units finished so far.
        total: units in all; 0 while that is not known.
        message: what is going on, in a few words.
        figures: numbers worth showing already, ready for JSON.
    """

    done: int
    total: int
    message: str
    figures: Mapping[str, Any] = field(default_factory=dict)


Work = Generator[Progress, None, Result]


def ignore(event: Progress) -> None:
    """Take no notice of an event."""


def exhaust(work: Work[Result], report: Callable[[Progress], None] = ignore) -> Result:
    """Run `work` to its end, hand each event to `report`, and return its result."""
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return end.value
        report(event)
