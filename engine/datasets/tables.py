"""Tables that say what an image shows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from engine.datasets.archives import Files
from engine.errors import LabError


def rows(files: Files, name: str, delimiter: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file that must have `columns`."""
    try:
        text = files.read(name).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
        found = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabError(f"The table {name} is not a text table.") from error
    missing = [column for column in columns if column not in (reader.fieldnames or [])]
    if missing:
        raise LabError(
            f"The table {name} has no column '{missing[0]}':"
            f" it needs {', '.join(columns)}, separated by '{delimiter}'."
        )
    if any(row[column] is None for row in found for column in columns):
        raise LabError(f"The table {name} has a row that ends too early: copy or fetch it again.")
    return found


def label(text: str, classes: int, table: str) -> int:
    """A class number out of a table, 0 to `classes` - 1."""
    try:
        number = int(text)
    except ValueError:
        raise LabError(
            f"The table {table} has the class {text[:20]!r}, which is no number."
        ) from None
    if not 0 <= number < classes:
        raise LabError(
            f"The table {table} has the class {number}: classes go from 0 to {classes - 1}."
        )
    return number
