"""Long work is a generator of `Progress`; its return value is the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

Result = TypeVar("Result")

RETRY_SECONDS = 3.0  # between two attempts at what went wrong for a passing reason


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


def retold(work: Work[Result], tell: Callable[[Progress], Progress]) -> Work[Result]:
    """`work` with each event exchanged for what `tell` makes of it; `tell` may also end it."""
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        try:
            told = tell(event)
        except BaseException:
            work.close()
            raise
        yield told


def titled(title: str, work: Work[Result]) -> Work[Result]:
    """`work` whose events begin with a title."""
    return retold(work, lambda event: replace(event, message=f"{title}: {event.message}"))


def until(stop_requested: Callable[[], bool], work: Work[Result]) -> Work[Result]:
    """`work`, given up with `Stopped` at the first event after a stop was requested."""

    def tell(event: Progress) -> Progress:
        if stop_requested():
            raise Stopped("Stopped on request; nothing was kept.")
        return event

    return retold(work, tell)


def persistent(
    attempt: Callable[[], Result],
    passing: type[Exception],
    stop_requested: Callable[[], bool],
    pause: Callable[[Any], Progress],
) -> Work[Result]:
    """What `attempt` returns; it is called again every few seconds while it raises `passing`.

    Args:
        attempt: what to do.
        passing: what goes wrong for a reason that may pass, such as a full disk.
        stop_requested: once true, the next exception is raised.
        pause: makes an event of the exception, to be told while waiting.
    """
    while True:
        try:
            return attempt()
        except passing as error:
            if stop_requested():
                raise
            event = pause(error)
        yield event
        again = time.monotonic() + RETRY_SECONDS
        while not stop_requested() and time.monotonic() < again:
            time.sleep(min(RETRY_SECONDS, 0.1))


def timed(work: Work[Result], clock: Callable[[], float] = time.monotonic) -> Work[Result]:
    """`work` whose events tell the seconds left, by the pace so far, where they do not already.

    A new total is a new piece of work with a pace of its own.
    """
    total: int | None = None
    began, before = 0.0, 0

    def tell(event: Progress) -> Progress:
        nonlocal total, began, before
        if event.total != total:
            total, began, before = event.total, clock(), event.done
        elif event.done > before and "seconds_left" not in event.figures:
            pace = (clock() - began) / (event.done - before)
            left = round(pace * (event.total - event.done), 1)
            return replace(event, figures={**event.figures, "seconds_left": left})
        return event

    return retold(work, tell)


def ignore(_: Progress) -> None:
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
