"""Markdown for generated blocks."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence

WIDTH = 100


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a first line `head`; every cell is text."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def bullets(sentences: Iterable[str]) -> str:
    """A list, wrapped."""
    return "\n".join(map(_bullet, sentences))


def _bullet(sentence: str) -> str:
    together = sentence.replace(" %", "\N{NO-BREAK SPACE}%")  # a number keeps its sign
    wrapped = textwrap.fill(
        together,
        WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped.replace("\N{NO-BREAK SPACE}", " ")


def bullet_list(*sentences: Callable[[], str]) -> Callable[[], str]:
    """A block that lists what the functions say."""
    return lambda: bullets(sentence() for sentence in sentences)


def claim(sentence: str, *conditions: bool) -> str:
    """A sentence whose conditions hold.

    Raises:
        AssertionError: one does not: the files have changed, so the sentence must too.
    """
    assert all(conditions), f"This no longer holds: {sentence}"
    return sentence


def listed(words: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
