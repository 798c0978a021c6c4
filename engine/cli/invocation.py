"""How the program was called, kept as the `obj` of click's contexts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Invocation:
    """How the program was called.

    Attributes:
        words: the command line without the program's name.
        begin: called once everything is imported and the options are understood.
    """

    words: tuple[str, ...] = ()
    begin: Callable[[], None] = lambda: None
