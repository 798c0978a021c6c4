"""CSV tables that list the class of each image."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence

from engine.core.errors import UserError, quoted
from engine.core.limited_reading import Unfit, refusing
from engine.datasets.archives import COPY_AGAIN, MAX_COUNT, Files

MAX_BYTES = 32 << 20


def rows(files: Files, name: str, delimiter: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file.

    Args:
        files: where the table is.
        name: its name there.
        delimiter: the character between two cells.
        columns: which must all be present.

    Raises:
        UserError: the table is missing, damaged or too large, or lacks a column or cell.
    """
    content = files.read(name)
    with refusing(f"The table {quoted(name)}", "it is not a text table", COPY_AGAIN):
        if len(content) > MAX_BYTES:
            raise Unfit(f"it is larger than {MAX_BYTES >> 20} MB")
        text = io.StringIO(content.decode("utf-8-sig"))
        reader = csv.DictReader(text, delimiter=delimiter)
        found = list(itertools.islice(reader, MAX_COUNT))
    missing = [column for column in columns if column not in (reader.fieldnames or [])]
    if missing:
        raise UserError(
            f"The table {quoted(name)} has no column '{missing[0]}':"
            f" it needs {', '.join(columns)}, separated by '{delimiter}'."
        )
    if any(row[column] is None for row in found for column in columns):
        raise UserError(
            f"The table {quoted(name)} has a row that ends too early: copy or fetch it again."
        )
    return found


def label(text: str, classes: int, table: str) -> int:
    """Parse a class number, 0 to `classes` - 1.

    Raises:
        UserError: `text` is not such a number; names the table it comes from.
    """
    try:
        number = int(text)
    except ValueError:
        raise UserError(
            f"The table {quoted(table)} has the class {quoted(text)}, which is not a number."
        ) from None
    if not 0 <= number < classes:
        raise UserError(
            f"The table {quoted(table)} has the class {quoted(number)}: classes go from 0 to"
            f" {classes - 1}."
        )
    return number
