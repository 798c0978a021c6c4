"""Valid names for models, datasets and jobs, also made from text such as layer names."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_HASH_DIGITS = 8
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def is_name(name: str) -> bool:
    """Whether a model or dataset can be called `name`, and so its folder."""
    return _NAME.fullmatch(name) is not None


def slug(*parts: object, limit: int = 80) -> str:
    """Make a name from `parts` that any file system accepts; different parts give different names.

    Parts of lower-case letters, digits, '.', '_' and single '-' are joined by '--' unchanged.
    Other characters are replaced. If that happens, or if the name would be too long, the name ends
    with a short hash of the parts.

    Args:
        parts: at least one; each is converted to text.
        limit: maximum number of characters, more than ten.
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
