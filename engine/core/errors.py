"""What goes wrong for a reason the user can do something about."""

import re

LONGEST = 1500  # characters of a sentence
UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # by a page or a terminal


class UserError(Exception):
    """Bad input or a failed step, told in one sentence that says what would be right.

    The command line prints it and exits with status 2; a page shows it as it stands. Whatever a
    stranger's name or file brings into it, it stays on one line and can be shown.
    """

    def __str__(self) -> str:
        """The sentence."""
        return one_line(super().__str__())


class NameTaken(UserError):
    """A name is given already; the command line adds its option for that."""


def one_line(text: str) -> str:
    """`text`, cut if it is overlong, with what cannot be shown written as Python writes it."""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return UNSHOWABLE.sub(lambda found: repr(found.group())[1:-1], cut)


def quoted(value: object) -> str:
    """A value from elsewhere as it can stand in a sentence: on one line, and not too long.

    Text comes in quotation marks, a number without.
    """
    text = f"{value:g}" if isinstance(value, float) else str(value)
    shown = repr(text if len(text) <= 60 else f"{text[:60]}...")
    return shown if isinstance(value, str) else shown[1:-1]
