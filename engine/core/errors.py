"""Errors that the user can do something about."""

import re
from collections.abc import Iterable

MAX_LENGTH = 1500  # characters of a message
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # on a page or in a terminal


class UserError(Exception):
    """Bad input or a failed step, explained in one sentence that says what to do.

    The command line prints it and exits with status 2; pages show it unchanged. Whatever text from
    outside it contains, it stays on one line and can be printed.
    """

    def __str__(self) -> str:
        """The sentence."""
        return one_line(super().__str__())


class NameTaken(UserError):
    """A name is in use; the command line adds which option replaces it."""


def one_line(text: str) -> str:
    """`text` on one line: cut if it is too long, with unprintable characters escaped."""
    cut = text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}..."
    return UNPRINTABLE.sub(lambda found: repr(found.group())[1:-1], cut)


def quoted(value: object) -> str:
    """A value from outside, made fit for a sentence: on one line and at most 60 characters.

    Text is put in quotation marks, a number is not.
    """
    text = f"{value:g}" if isinstance(value, float) else str(value)
    shown = repr(text if len(text) <= 60 else f"{text[:60]}...")
    return shown if isinstance(value, str) else shown[1:-1]


def unknown(noun: str, name: object, known: Iterable[str]) -> UserError:
    """The error that there is nothing of that name, with the names there are."""
    return UserError(f"There is no {noun} {quoted(name)}: choose from {', '.join(known)}.")
