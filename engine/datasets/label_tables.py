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
_FILE_COLUMNS = [
    "filename",
    "file",
    "path",
    "filepath",
    "image",
    "imagepath",
    "imagename",
    "imagefile",
    "imageid",
    "id",
    "img",
    "imgpath",
    "name",
]
_LABEL_COLUMNS = [
    "label",
    "labels",
    "class",
    "classid",
    "classname",
    "category",
    "target",
    "breed",
    "species",
    "y",
]
_MAX_TABLES = 12  # of an archive that are looked at


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


def read_table(files: Files, name: str) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of any CSV file, whichever of , ; and tab separates its cells.

    Raises:
        UserError: it is damaged or too large.
    """
    content = files.read(name)
    with refusing(f"The table {quoted(name)}", "it is not a text table", COPY_AGAIN):
        if len(content) > MAX_BYTES:
            raise Unfit(f"it is larger than {MAX_BYTES >> 20} MB")
        text = content.decode("utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        found = csv.reader(io.StringIO(text), delimiter=delimiter)
        listed = list(itertools.islice(found, MAX_COUNT))
    return (listed[0], listed[1:]) if listed else ([], [])


def find_column(head: Sequence[str], known: Sequence[str]) -> int | None:
    """The first column whose name is one of `known`, whatever its case and punctuation."""
    names = ["".join(filter(str.isalnum, cell.lower())) for cell in head]
    return next((names.index(name) for name in known if name in names), None)


def find_labels(files: Files, names: Sequence[str]) -> dict[str, str]:
    """The labels of images by a table among the files, such as `labels.csv`.

    Args:
        files: where tables may be.
        names: of the images.

    Returns:
        The label of each image that the table lists; empty if no table lists most of them.
    """
    tables = [name for name in files if name.lower().endswith((".csv", ".tsv"))]
    by_file = _by_file(names)
    for table in sorted(tables)[:_MAX_TABLES] if names else ():
        try:
            head, found = read_table(files, table)
        except UserError:
            continue  # not a table of labels; it is listed with the files left out
        file, label = find_column(head, _FILE_COLUMNS), find_column(head, _LABEL_COLUMNS)
        if file is None or label is None or file == label:
            continue
        cells = (row for row in found if len(row) > max(file, label))
        pairs = ((by_file.get(_key(row[file])), row[label].strip()) for row in cells)
        labels = {name: text for name, text in pairs if name and text}
        if 2 * len(labels) > len(names):
            return labels
    return {}


def _by_file(names: Sequence[str]) -> dict[str, str]:
    """Names of images by file name, with and without its suffix."""
    stems = {_key(name).rpartition(".")[0]: name for name in names}
    return stems | {_key(name): name for name in names}


def _key(path: str) -> str:
    return path.strip().replace("\\", "/").rpartition("/")[2].casefold()
