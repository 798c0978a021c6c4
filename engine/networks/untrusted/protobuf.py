"""Reading protocol buffers field by field, without the classes that describe them.

Encoding: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
_FIXED = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT = 10  # bytes

Value = int | memoryview


class Damaged(ValueError):
    """What is read is no message, or ends too early."""


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message, in order.

    A value is an int, or the bytes of a text, a message or a number of fixed size.

    Raises:
        Damaged: the message breaks off or is none; the fields before that are yielded first.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise Damaged
        if wire == VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == BYTES:
            size, place = _varint(message, place)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise Damaged
        if place + size > len(message):
            raise Damaged
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number that begins at `place`, and the place after it."""
    number = 0
    for count, byte in enumerate(message[place : place + _MAX_VARINT]):
        number |= (byte & 127) << (7 * count)
        if byte < 128:
            return number, place + count + 1
    raise Damaged


def text(value: Value) -> str:
    """A field's value as text.

    Raises:
        Damaged: it is none.
    """
    if isinstance(value, int):
        raise Damaged
    return bytes(value).decode("utf-8")


def message(value: Value) -> memoryview:
    """A field's value as the message that it holds.

    Raises:
        Damaged: it is a number.
    """
    if isinstance(value, int):
        raise Damaged
    return value
