"""Names for runs and models made of words that nobody chose to be names, such as layers."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_HASH_DIGITS = 8


def slug(*parts: object, limit: int = 80) -> str:
    """A name made of `parts`, fit for a folder on any system; different parts, different names.

    Parts of small letters, digits, '.', '_' and single '-' are joined by '--' as they are.
    Whatever else they hold is replaced, and then, or if the name would be too long, a short hash
    of the parts ends the name.

    Args:
        parts: at least one; anything with a text.
        limit: characters at most, more than ten.
    """
    texts = [str(part) for part in parts]
    plain = [_plain(text) for text in texts]
    name = "--".join(filter(None, plain))
    if plain == texts and all(plain) and len(name) <= limit:
        return name
    digest = hashlib.sha256(ascii(texts).encode()).hexdigest()[:_HASH_DIGITS]
    return "-".join(filter(None, [name[: limit - _HASH_DIGITS - 1], digest]))


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9._-]", "-", letters)).strip("-._")
