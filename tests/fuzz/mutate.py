"""Ways to change a genuine input: as bytes, as text, as JSON, as a table, as an archive."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Seeds = Sequence[bytes]
Mutator = Callable[[Random, Seeds], bytes]

MAGIC = (
    *(b"\x00", b"\xff" * 4, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\n" * 9),
    *(b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x1f\x8b\x08", b"\x89HDF\r\n\x1a\n"),
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"P6\n", b"BM", b"RIFF", b"IHDR", b"ustar"),
    *(b"\x93NUMPY", b"cos\nsystem\n", b"\x80\x04\x95", b"%s%n", b"\xef\xbb\xbf", b"\xc0\x80"),
)
NUMBERS = (
    *(
        "0",
        "1",
        "2",
        "31",
        "-1",
        "1e999",
        "-1e999",
        "NaN",
        "inf",
        "-Infinity",
        "1e-320",
        "1.5",
        "007",
        "0x1f",
    ),
    *("2147483648", "-9223372036854775809", "18446744073709551616", "9" * 400, "9" * 5000),
)
WORDS = (
    *("", " ", "\0", "\x1b[31m", "\u202e", "\ud800", "\U0001f600", "../../etc/passwd", "a\nb"),
    *('"', "'", ",", ";", "=", ":", "{", "[[[[", "<script>", "$x$", "None", "True", "x" * 9000),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**400, -(10**30), 2**63, 1e308, float("nan")),
    *(float("inf"), -float("inf"), [], {}, [[]], [None], {"a": {"b": []}}, *WORDS),
)
MOST = 1 << 20  # bytes of a mutant, so that its size is not what takes the time


def as_bytes(rng: Random, seeds: Seeds) -> bytes:
    """A seed with one to six changes to its bytes."""
    content = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        content = rng.choice(_BYTES)(rng, content, seeds)
    return content[: max(MOST, *map(len, seeds))]


def _flip(rng: Random, content: bytes, _: Seeds) -> bytes:
    changed = bytearray(content)
    for _bit in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _truncate(rng: Random, content: bytes, _: Seeds) -> bytes:
    return content[: _place(rng, content)]


def _remove(rng: Random, content: bytes, _: Seeds) -> bytes:
    start = _place(rng, content)
    return content[:start] + content[start + rng.randint(1, 64) :]


def _splice(rng: Random, content: bytes, seeds: Seeds) -> bytes:
    other = rng.choice(seeds)
    return content[: _place(rng, content)] + other[_place(rng, other) :]


def _duplicate(rng: Random, content: bytes, _: Seeds) -> bytes:
    start = _place(rng, content)
    block = content[start : start + rng.randint(1, 256)]
    return content[:start] + block * rng.choice((2, 3, 50)) + content[start + len(block) :]


def _insert(rng: Random, content: bytes, _: Seeds) -> bytes:
    start = _place(rng, content)
    return content[:start] + rng.choice(MAGIC) + content[start:]


def _overwrite(rng: Random, content: bytes, _: Seeds) -> bytes:
    """A number of 1, 2, 4 or 8 bytes becomes one at the edge of what fits there."""
    start, size = _place(rng, content), rng.choice((1, 2, 4, 8))
    edge = rng.choice((0, 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1))
    number = edge.to_bytes(size, rng.choice(("little", "big")))
    return content[:start] + number + content[start + size :]


def _place(rng: Random, content: bytes) -> int:
    """Anywhere, but every other time near an end, where formats tell of themselves."""
    if rng.random() < 0.5:
        return rng.randint(0, len(content))
    near = rng.randint(0, min(len(content), 128))
    return near if rng.random() < 0.5 else len(content) - near


_BYTES = (_flip, _truncate, _remove, _splice, _duplicate, _insert, _overwrite)


def as_hdf5(rng: Random, seeds: Seeds) -> bytes:
    """An HDF5 file changed where it tells of itself, not in its numbers; else anywhere."""
    content = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 2, 6))):
        places = _occurrences(content, rng.choice(_HDF5))
        if places:
            start = rng.choice(places)
            block, end = content[start : start + 512], content[start + 512 :]
            content = content[:start] + rng.choice(_IN_PLACE)(rng, block, seeds)[:512] + end
    return content if rng.random() < 0.8 else as_bytes(rng, [content])


_HDF5 = (b"\x89HDF", b"TREE", b"SNOD", b"HEAP", b"layers", b"vars", b"\x01\0\x01\0")
_IN_PLACE = (_flip, _overwrite)


def as_text(rng: Random, seeds: Seeds) -> bytes:
    """A text with other words and numbers in it; every fourth one changed as bytes."""
    if rng.random() < 0.25:
        return as_bytes(rng, seeds)
    text = rng.choice(seeds).decode()
    if rng.random() < 0.3:
        return _encoded(re.sub(r"[0-9]+", lambda _: rng.choice(NUMBERS), text, count=1))
    for _ in range(rng.randint(1, 3)):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.randint(0, 8))
        text = text[:start] + _odd_text(rng, text) + text[end:]
    return _encoded(text)


def _odd_text(rng: Random, text: str) -> str:
    start = rng.randint(0, len(text))
    return rng.choice((rng.choice(NUMBERS), rng.choice(WORDS), text[start : start + 20] * 3))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


def as_json(rng: Random, seeds: Seeds) -> bytes:
    """A JSON document with other values, keys or nesting; every fifth one changed as bytes."""
    if rng.random() < 0.2:
        return as_bytes(rng, seeds)
    document = json.loads(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 4))):
        document = _change(rng, document)
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1:
        text = _nested(rng, text)
    elif rng.random() < 0.1:
        text = text.replace("{", '{"name": null, ', rng.randint(1, 3))  # a key that is there twice
    return _encoded(text)


def _nested(rng: Random, text: str) -> str:
    depth, (start, end) = rng.choice((10, 2000, 200_000)), rng.choice((("[", "]"), ('{"a":', "}")))
    place = text.find(":", rng.randrange(len(text))) + 1
    return f"{text[:place]}{start * depth}1{end * depth}{text[place:]}"


def _change(rng: Random, document: Any) -> Any:
    """A copy of a document with one part of it changed, most often deep inside."""
    if isinstance(document, dict) and document and rng.random() < 0.85:
        key = rng.choice(sorted(document))
        rest = {name: value for name, value in document.items() if name != key}
        how = rng.random()
        if how < 0.15:
            return rest
        if how < 0.25:
            return rest | {rng.choice(WORDS): document[key]}
        if how < 0.3:
            return document | {key: document[rng.choice(sorted(document))]}
        return document | {key: _change(rng, document[key])}
    if isinstance(document, list) and document and rng.random() < 0.85:
        place = rng.randrange(len(document))
        how = rng.random()
        if how < 0.15:
            return document[:place] + document[place + 1 :]
        if how < 0.3:
            return document[:place] + [document[place]] * rng.choice((2, 300)) + document[place:]
        return [*document[:place], _change(rng, document[place]), *document[place + 1 :]]
    return rng.choice(VALUES)


def as_table(rng: Random, seeds: Seeds, delimiter: str = ",") -> bytes:
    """A CSV table with other cells, rows or columns; every fourth one changed as bytes."""
    if rng.random() < 0.25:
        return as_bytes(rng, seeds)
    text = rng.choice(seeds).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    for _ in range(rng.randint(1, 3)):
        rng.choice(_ROWS)(rng, rows)
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return _encoded(out.getvalue())


def _set_cell(rng: Random, rows: list[list[str]]) -> None:
    row = rng.choice(rows[1:] or rows)
    if row:
        row[rng.randrange(len(row))] = rng.choice((*NUMBERS, *WORDS))


def _set_name(rng: Random, rows: list[list[str]]) -> None:
    if rows[0]:
        rows[0][rng.randrange(len(rows[0]))] = rng.choice((*WORDS, *rows[0]))


def _move_cell(rng: Random, rows: list[list[str]]) -> None:
    one, other = rng.choice(rows), rng.choice(rows)
    if one and other:
        one[rng.randrange(len(one))] = rng.choice(other)


def _change_row(rng: Random, rows: list[list[str]]) -> None:
    place = rng.randrange(len(rows))
    rows[place : place + 1] = [list(rows[place]) for _ in range(rng.choice((0, 2, 40)))] or [[]]


def _change_length(rng: Random, rows: list[list[str]]) -> None:
    row = rng.choice(rows)
    row[:] = row[:-1] if rng.random() < 0.5 else [*row, rng.choice(WORDS)]


def _change_columns(rng: Random, rows: list[list[str]]) -> None:
    place, twice = rng.randrange(len(rows[0]) or 1), rng.random() < 0.5
    for row in rows:
        row[place : place + 1] = row[place : place + 1] * 2 * twice


def _cut(rng: Random, rows: list[list[str]]) -> None:
    del rows[rng.randint(1, len(rows)) :]


_ROWS = (_set_cell,) * 5 + (
    *(_set_name, _move_cell, _change_row, _change_length, _change_columns, _cut),
)


def as_zip(rng: Random, seeds: Seeds, members: dict[str, Mutator]) -> bytes:
    """An archive whose checksums are right though some member is not; else changed as bytes.

    Args:
        rng: decides what is changed.
        seeds: zip archives.
        members: what changes the content of the members whose names end so.
    """
    if rng.random() < 0.3:
        return as_bytes(rng, seeds)
    with zipfile.ZipFile(io.BytesIO(rng.choice(seeds))) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    changed = [name for name in content for end in members if name.endswith(end)]
    name = rng.choice(changed)
    mutator = next(mutator for end, mutator in members.items() if name.endswith(end))
    content[name] = mutator(rng, [content[name]])
    return packed(content)


def packed(content: dict[str, bytes]) -> bytes:
    """A zip archive of these members, as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_checksum(header: bytes) -> bytes:
    """A tar header of 512 bytes whose checksum is right."""
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(blank) + header[156:]


def as_tar(rng: Random, seeds: Seeds) -> bytes:
    """A tar archive with a changed header whose checksum is right; else changed as bytes."""
    content = rng.choice(seeds)
    places = [at - 257 for at in _occurrences(content, b"ustar") if at >= 257]
    if not places or rng.random() < 0.3:
        return as_bytes(rng, seeds)
    start = rng.choice(places)
    header = bytearray(content[start : start + 512])
    kind = rng.random()
    if kind < 0.3:
        header[156:157] = bytes([rng.choice(b"\x000123457gxLKSV")])
    elif kind < 0.6:
        size = rng.choice((b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"-1\0"))
        header[124:136] = size.ljust(12, b"\0")
    elif kind < 0.8:
        header[:100] = _encoded(rng.choice(WORDS))[:100].ljust(100, b"\0")
    else:
        at = rng.randrange(512)
        header[at : at + 8] = struct.pack("<Q", rng.choice((0, 2**63, 2**64 - 1)))
    changed = with_checksum(bytes(header[:512].ljust(512, b"\0")))
    return content[:start] + changed + content[start + 512 :]


def _occurrences(content: bytes, part: bytes) -> list[int]:
    places, at = [], content.find(part)
    while at >= 0:
        places.append(at)
        at = content.find(part, at + 1)
    return places
