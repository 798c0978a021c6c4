"""Text from elsewhere in Markdown: shown as it is written, whatever it holds."""

from __future__ import annotations

import re

_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_WORD_JOINER = "\u2060"  # takes no room
# Emojis, icons, addresses: looked for in finished text, where a backslash is no help any more.
_BEGINNINGS = re.compile(r":(?=[\w+/-]+:|//)|@(?=\w)|\bwww(?=\.)", re.IGNORECASE)


def escape(text: object) -> str:
    """Markdown that shows `text` on one line: no link, picture, formula, HTML or icon in it."""
    line = " ".join(str(text).split())
    parted = _BEGINNINGS.sub(rf"\g<0>{_WORD_JOINER}", line)
    return re.sub(_PUNCTUATION, r"\\\g<0>", parted)


def unescape(text: str) -> str:
    """What a reader sees of the escaped parts of `text`; all else stays as it is."""
    return re.sub(rf"\\({_PUNCTUATION})", r"\1", text).replace(_WORD_JOINER, "")


def code(text: object) -> str:
    """Markdown that shows `text` as code, on one line."""
    line = " ".join(str(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    room = " " if "`" in line else ""
    return f"{fence}{room}{line or ' '}{room}{fence}"
