"""Progress reports of long work, and stopping it.

Work is an ordinary function that calls `report` now and then. The caller decides where reports go,
to a bar in a terminal or to a job's status file, with `reporting_to`. A reporter may raise
`Stopped` to end the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

Result = TypeVar("Result")

RETRY_SECONDS = 3.0  # between two attempts at what failed for a passing reason


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


Reporter = Callable[[Progress], None]


class Stopped(Exception):
    """The work was stopped on request, with nothing to keep."""


def ignore(_: Progress) -> None:
    """Show nothing."""


_reporter: ContextVar[Reporter] = ContextVar("reporter", default=ignore)


def report(done: int, total: int, message: str, figures: Mapping[str, Any] | None = None) -> None:
    """Tell the current reporter how far the work has come; see `Progress`.

    Raises:
        Stopped: the work is to end here.
    """
    _reporter.get()(Progress(done, total, message, figures or {}))


@contextmanager
def reporting_to(reporter: Reporter) -> Iterator[None]:
    """Within the block, `report` calls `reporter`."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


@contextmanager
def rewording(change: Callable[[Progress], Progress]) -> Iterator[None]:
    """Within the block, `change` each event before the current reporter gets it."""
    outer = _reporter.get()
    with reporting_to(lambda event: outer(change(event))):
        yield


@contextmanager
def titled(title: str) -> Iterator[None]:
    """Within the block, messages begin with a title."""
    with rewording(lambda event: replace(event, message=f"{title}: {event.message}")):
        yield


@contextmanager
def stopping_when(stop_requested: Callable[[], bool]) -> Iterator[None]:
    """Within the block, `report` raises `Stopped` once a stop was requested."""

    def check(event: Progress) -> Progress:
        if stop_requested():
            raise Stopped("Stopped on request; nothing was kept.")
        return event

    with rewording(check):
        yield


@contextmanager
def timed(clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Within the block, events say how many seconds are left, by the pace so far.

    Events that say so themselves stay as they are. A new total is a new piece of work with a
    pace of its own.
    """
    total: int | None = None
    began, before = 0.0, 0

    def add_time_left(event: Progress) -> Progress:
        nonlocal total, began, before
        if event.total != total:
            total, began, before = event.total, clock(), event.done
        elif event.done > before and "seconds_left" not in event.figures:
            pace = (clock() - began) / (event.done - before)
            left = round(pace * (event.total - event.done), 1)
            return replace(event, figures={**event.figures, "seconds_left": left})
        return event

    with rewording(add_time_left):
        yield


def retry(
    attempt: Callable[[], Result],
    passing: type[Exception],
    stop_requested: Callable[[], bool],
    pause: Callable[[Any], None],
) -> Result:
    """Call `attempt`, again every few seconds while it raises `passing`, and return its result.

    Args:
        attempt: what to do.
        passing: what goes wrong for a reason that may pass, such as a full disk.
        stop_requested: once true, the next exception is raised.
        pause: reports the exception before each wait.
    """
    while True:
        try:
            return attempt()
        except passing as error:
            if stop_requested():
                raise
            pause(error)
        again = time.monotonic() + RETRY_SECONDS
        while not stop_requested() and time.monotonic() < again:
            time.sleep(min(RETRY_SECONDS, 0.1))
