"""Commands as text: for messages, model cards, reports and pages."""

from __future__ import annotations

import shlex

PROGRAM = "python -m engine"  # works in a checkout and wherever the package is installed


def command(*words: str) -> str:
    """The command line that passes `words` to the program, quoted for a shell."""
    return f"{PROGRAM} {shlex.join(words)}".rstrip()
