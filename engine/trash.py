"""Models deleted by mistake come back: a deleted folder is moved aside first."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from engine import files, places, store
from engine.errors import LabError

KEPT = 5  # models deleted before the last five are gone for good


def delete(name: str) -> None:
    """Move a model of the user's own into the trash.

    Raises:
        LabError: there is none of that name, or it comes with the program.
    """
    folder = places.models_folder() / store.check_name(name)
    if not folder.is_dir():
        store.find(name)
        raise LabError(f"'{name}' comes with the program and cannot be deleted.")
    _move(folder, _trash() / f"{time.time_ns()}~{name}")
    for old in _entries()[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def restore(name: str) -> None:
    """Bring the model of that name back that was deleted last.

    Raises:
        LabError: none is in the trash, or a new model has taken its name.
    """
    found = [entry for entry in _entries() if _name(entry) == name]
    if not found:
        raise LabError(f"There is no deleted model '{name}' to bring back.")
    if (places.models_folder() / name).exists():
        raise LabError(f"A new model is called '{name}': rename or delete it first.")
    _move(found[0], places.models_folder() / name)


def deleted() -> list[str]:
    """Names of the models that can be brought back, the latest first."""
    return [_name(entry) for entry in _entries()]


def _trash() -> Path:
    return places.models_folder() / ".trash"


def _entries() -> list[Path]:
    return sorted(_trash().glob("*~*"), key=lambda entry: entry.name, reverse=True)


def _name(entry: Path) -> str:
    return entry.name.partition("~")[2]


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise files.trouble(target, error) from error
