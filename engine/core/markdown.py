"""Text from elsewhere in Markdown: shown exactly as written, never interpreted."""

from __future__ import annotations

import re

from markupsafe import Markup
from markupsafe import escape as escape_html

_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_WORD_JOINER = "\u2060"  # has no width
# Emoji, icons and addresses are recognised after backslashes are gone: a joiner parts them.
_BEGINNINGS = re.compile(r":(?=[\w+/-]+:|//)|@(?=\w)|\bwww(?=\.)", re.IGNORECASE)


def escape(text: object) -> str:
    """Markdown that shows `text` on one line, without any markup, link, formula or icon."""
    line = " ".join(str(text).split())
    parted = _BEGINNINGS.sub(rf"\g<0>{_WORD_JOINER}", line)
    return re.sub(_PUNCTUATION, r"\\\g<0>", parted)


def unescape(text: str) -> str:
    """The inverse of `escape`; anything else in `text` stays as it is."""
    return re.sub(rf"\\({_PUNCTUATION})", r"\1", text).replace(_WORD_JOINER, "")


def code(text: object) -> str:
    """Markdown that shows `text` as code, on one line."""
    line = " ".join(str(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if "`" in line else ""
    return f"{fence}{space}{line or ' '}{space}{fence}"


def to_html(text: str) -> Markup:
    """HTML of a sentence in which only bold and code are markup."""
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape_html(text)))
    # What was escaped twice, for HTML and for Markdown, is HTML once the backslash is gone.
    return Markup(unescape(re.sub(r"`(.+?)`", r"<code>\1</code>", bold)))
