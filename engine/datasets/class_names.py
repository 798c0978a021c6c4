"""Names of classes from a text file or table, such as `classes.txt` or a CSV with id and name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from engine.core.errors import UNPRINTABLE, UserError, quoted
from engine.core.limited_reading import Unfit, read_bytes, refusing
from engine.datasets.archives import Files
from engine.datasets.label_tables import find_column, read_table
from engine.datasets.layout import MAX_NAME, same_class

MAX_BYTES = 4 << 20
_IDS = ["classid", "id", "label", "class", "index", "number", "classindex", "folder"]
_NAMES = [
    "name",
    "classname",
    "labelname",
    "signname",
    "title",
    "description",
    "english",
    "label",
    "class",
]
_USUAL = re.compile(
    r"(class|classes|class_?names|labels|label_?names|sign_?names|names)\.(txt|csv)", re.IGNORECASE
)
_NUMBERED = re.compile(r"(\d{1,18})[\s,;:.)]+(\S.*)")
Entries = list[tuple[str, str]]  # the class's id, or "", and its name


def read_file(path: Path, folders: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a file of class names that the user gives.

    Args:
        path: a text file with a name on each line, or a CSV file with ids and names.
        folders: the names of the classes' folders, in order.

    Returns:
        The folders in the order of the labels, and the classes' names in the same order.

    Raises:
        UserError: it cannot be read, or does not fit the folders.
    """
    with refusing(path, "it is not a text file", "choose another file"):
        content = read_bytes(path, MAX_BYTES)
    entries = _entries(Files({path.name: lambda: content}), path.name)
    fitted = _fit(entries, folders, by_position=True)
    if fitted is None:
        raise UserError(
            f"{path} names {len(entries)} classes, but they do not fit the {len(folders)} folders"
            f" ({', '.join(map(quoted, folders[:3]))} and so on): give a line for each folder."
        )
    return fitted


def find(
    files: Files, folders: Sequence[str]
) -> tuple[str, tuple[tuple[str, ...], tuple[str, ...]]] | None:
    """A file of class names among the images, with what `read_file` would return.

    One that names other things than the folders is passed over.
    """
    usual = (name for name in files if _USUAL.fullmatch(name.rpartition("/")[2]))
    for name in sorted(usual, key=lambda name: (name.count("/"), name))[:20]:
        try:
            fitted = _fit(_entries(files, name), folders, by_position=False)
            check_names(fitted[1] if fitted else ())
        except UserError:
            continue
        if fitted is not None:
            return name, fitted
    return None


def check_names(names: Sequence[str]) -> None:
    """Check the names of classes.

    Raises:
        UserError: one is empty, too long, given twice, or cannot be shown.
    """
    for number, name in enumerate(names):
        if not name.strip() or len(name) > MAX_NAME or UNPRINTABLE.search(name):
            raise UserError(
                f"Class {number} cannot be called {quoted(name)}: use 1 to {MAX_NAME} letters."
            )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"Two classes are called {quoted(twice)}: give each a name of its own.")


def _entries(files: Files, name: str) -> Entries:
    if name.lower().endswith(".csv"):
        return _from_table(*read_table(files, name))
    with refusing(quoted(name), "it is not a text file", "choose another file"):
        content = files.read(name)
        if len(content) > MAX_BYTES:
            raise Unfit("it is far too long")
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    lines = [line for line in lines if line]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    pairs = [(found[1], found[2].strip()) for found in numbered if found]
    if len({name for _, name in pairs}) == len(lines):  # else the number belongs to the name
        return pairs
    return [("", line) for line in lines]


def _from_table(head: list[str], rows: list[list[str]]) -> Entries:
    key, name = find_column(head, _IDS), find_column(head, _NAMES)
    if name is None or key == name:
        others = [place for place in range(len(head)) if place != key]
        name = others[0] if others else key
    if key is None and (name is None or find_column(head, _NAMES) is None):
        rows = [head, *rows]  # there is no head
        key, name = (0, 1) if len(head) > 1 else (None, 0)
    assert name is not None
    whole = [row for row in rows if len(row) > max(key or 0, name)]
    return [(row[key].strip() if key is not None else "", row[name].strip()) for row in whole]


def _fit(
    entries: Entries, folders: Sequence[str], by_position: bool
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The folders in the order of their labels, with their names; None if they do not fit.

    Args:
        entries: ids and names.
        folders: in order.
        by_position: whether names may stand for folders with other names, in their order.
    """
    known = {same_class(key): name for key, name in entries if key}
    if known and len(known) < len(entries):
        return None  # the table lists something else, such as the class of each image
    if known and all(same_class(folder) in known for folder in folders):
        return tuple(folders), tuple(known[same_class(folder)] for folder in folders)
    if len(entries) != len(folders):
        return None
    by_name = {same_class(folder): folder for folder in folders}
    if {same_class(name) for _, name in entries} == set(by_name):
        numbered = all(re.fullmatch("[0-9]{1,18}", key) for key, _ in entries)
        ordered = sorted(entries, key=lambda entry: int(entry[0])) if numbered else entries
        return tuple(by_name[same_class(name)] for _, name in ordered), tuple(
            name for _, name in ordered
        )
    numbers = all(folder.isdecimal() for folder in folders)
    if (numbers or by_position) and not known:
        return tuple(folders), tuple(name for _, name in entries)
    return None
