"""Read-only mode, for public demos: whoever visits can look at everything and change nothing."""

from __future__ import annotations

import os

from engine.core.errors import UserError

VARIABLE = "PRUNING_LAB_READ_ONLY"
KEEPING_NOTHING = ("export",)  # jobs that write to the cache alone
SENTENCE = (
    "This demo is read-only: nothing can be trained, uploaded, changed or deleted. Install the"
    " program to do that with models of your own."
)


def is_read_only() -> bool:
    """Whether ``$PRUNING_LAB_READ_ONLY`` is set to anything but 0."""
    return os.environ.get(VARIABLE, "0") not in ("", "0")


def blocks(kind: str) -> bool:
    """Whether jobs of that kind (a command) cannot be started."""
    return is_read_only() and kind not in KEEPING_NOTHING


def check() -> None:
    """Raise `UserError` in read-only mode; called before anything is stored or deleted."""
    if is_read_only():
        raise UserError(SENTENCE)
