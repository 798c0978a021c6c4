"""Runs a target over many mutants and tells what became of them."""

from __future__ import annotations

import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from engine.core.errors import MAX_LENGTH, UNPRINTABLE, UserError
from tests.fuzz.mutate import Mutator, Seeds

SECONDS = 30  # for one mutant, on a machine that does other things, too
SHOWN = 5  # unexpected mutants told in full


@dataclass(frozen=True)
class Target:
    """A parser to try.

    Attributes:
        name: what the command line calls it.
        seeds: makes genuine inputs, each of which must be accepted.
        parse: reads an input and uses what it holds; may raise nothing but `UserError`.
        mutate: makes an input of the seeds.
    """

    name: str
    seeds: Callable[[], Seeds]
    parse: Callable[[bytes], object]
    mutate: Mutator


@dataclass
class Report:
    """What became of a target's mutants."""

    name: str
    accepted: int = 0
    refused: int = 0
    unexpected: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)  # seconds, number of the mutant

    @property
    def mutants(self) -> int:
        """How many there were."""
        return self.accepted + self.refused + len(self.unexpected)

    def told(self) -> str:
        """One line, and a few more for what was unexpected."""
        seconds, number = self.slowest
        line = (
            f"{self.name:22} {self.mutants:6} mutants {self.accepted:6} accepted"
            f" {self.refused:6} refused {len(self.unexpected):4} unexpected"
            f"   slowest {seconds:6.2f} s (number {number})"
        )
        return "\n".join([line, *self.unexpected[:SHOWN]])


class TooSlow(BaseException):
    """A mutant takes too long; no reader that catches every `Exception` takes this one."""


def fuzz(target: Target, count: int, seed: int, first: int = 0) -> Report:
    """Try `count` mutants of a target, from number `first` on.

    A mutant depends on the target, the seed and its number alone, so each can be made again.
    """
    report = Report(target.name)
    seeds = target.seeds()
    for number, content in enumerate(seeds):
        if problem := _outcome(target, content, genuine=True):
            report.unexpected.append(f"  genuine input {number} of {target.name}: {problem}")
    for number in range(first, first + count):
        content = mutant(target, seeds, seed, number)
        started = time.perf_counter()
        problem = _outcome(target, content)
        report.slowest = max(report.slowest, (time.perf_counter() - started, number))
        if problem is None:
            report.accepted += 1
        elif problem == "":
            report.refused += 1
        else:
            again = f"--only {target.name} --seed {seed} --first {number} --count 1"
            report.unexpected.append(f"  python -m tests.fuzz {again}\n    {problem}")
    return report


def mutant(target: Target, seeds: Seeds, seed: int, number: int) -> bytes:
    """The mutant of that number."""
    return target.mutate(Random(f"{target.name} {seed} {number}"), seeds)


def _outcome(target: Target, content: bytes, genuine: bool = False) -> str | None:
    """None if it was accepted, nothing if it was refused, else what was unexpected."""
    try:
        with _limited():
            target.parse(content)
    except UserError as error:
        return f"refused: {error}" if genuine else _flaw(str(error))
    except TooSlow:
        return f"takes more than {SECONDS} s"
    except Exception as error:
        return _where(error)
    return None


def _flaw(sentence: str) -> str:
    """What is wrong with a sentence, if anything."""
    if UNPRINTABLE.search(sentence):
        return f"a sentence that cannot be shown: {sentence!r}"[:300]
    if not sentence or len(sentence) > 2 * MAX_LENGTH:
        return f"a sentence of {len(sentence)} characters: {sentence[:200]}"
    return ""


def _where(error: Exception) -> str:
    """The error and the last few places it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[-4:]]
    return f"{type(error).__name__}: {str(error)[:200]!r} at {' > '.join(places)}"


@contextmanager
def _limited() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise TooSlow

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
