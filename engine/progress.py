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


class Stopped(Exception):
    """The work was stopped on request, with nothing to keep."""


def until(stop_requested: Callable[[], bool], work: Work[Result]) -> Work[Result]:
    """`work`, given up with `Stopped` at the first event after a stop was requested."""
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield event
        if stop_requested():
            work.close()
            raise Stopped("Stopped on request; nothing was kept.")


def ignore(event: Progress) -> None:
    """Take no notice of an event."""


def exhaust(work: Work[Result], report: Callable[[Progress], None] = ignore) -> Result:
    """Run `work` to its end, hand each event to `report`, and return its result."""
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        report(event)
