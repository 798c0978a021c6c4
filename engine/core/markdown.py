"""Text from elsewhere in Markdown: shown exactly as written, never interpreted."""

from __future__ import annotations

import re

from markupsafe import Markup
from markupsafe import escape as escape_html

_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_WORD_JOINER = "\u2060"  # has no width
# Emoji, icons and addresses are recognised after backslashes are gone: a joiner parts them.
_BEGINNINGS = re.compile(r":(?=[\w+/-]+:|//)|@(?=\w)|\bwww(?=\.)", re.IGNORECASE)
_MARKUP = re.compile(
    rf"\\(?P<escaped>{_PUNCTUATION})"
    r"|(?P<fence>`+)(?P<code>.+?)(?P=fence)(?!`)"
    r"|\*\*(?P<bold>(?:\\.|[^\\])+?)\*\*"
)


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
    """HTML of a sentence in which only bold, code and backslashes are markup."""
    parts, done = [], 0
    for match in _MARKUP.finditer(text):
        parts += [_plain_html(text[done : match.start()]), _markup_html(match)]
        done = match.end()
    return Markup("").join([*parts, _plain_html(text[done:])])


def _plain_html(text: str) -> Markup:
    return escape_html(text.replace(_WORD_JOINER, ""))


def _markup_html(match: re.Match[str]) -> Markup:
    if match["code"] is not None:
        return Markup("<code>{}</code>").format(match["code"].strip())
    if match["bold"] is not None:
        return Markup("<strong>{}</strong>").format(to_html(match["bold"]))
    return escape_html(match["escaped"])
