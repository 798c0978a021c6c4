"""The trash: deleted models are moved aside and can be restored.

The trash is a folder among the models; an entry is called NUMBER~NAME, and numbers tell the order
of deletion whatever the clock says.
"""

from __future__ import annotations

from pathlib import Path

from engine import store
from engine.core import atomic_files, paths, read_only
from engine.core.errors import UserError

KEPT = 5  # models deleted before the last five are gone for good


def delete(name: str) -> None:
    """Move a model of the user's own into the trash.

    Raises:
        UserError: there is none of that name, or it comes with the program.
    """
    read_only.check()
    models = paths.models_folder()
    folder = models / store.check_name(name)
    with atomic_files.changing(models):
        there = folder.is_dir()
        if there:
            number = max(map(_number, _entries()), default=0) + 1
            _move(folder, _trash() / f"{number}~{name}")
            for old in _entries()[KEPT:]:
                atomic_files.remove_folder(old, within=models)
    if not there:
        store.find(name)
        raise UserError(f"'{name}' comes with the program and cannot be deleted.")


def restore(name: str) -> None:
    """Restore the model of that name that was deleted last.

    Raises:
        UserError: none is in the trash, or a new model has taken its name.
    """
    read_only.check()
    models = paths.models_folder()
    with atomic_files.changing(models):
        found = [entry for entry in _entries() if _name(entry) == name]
        if not found:
            raise UserError(f"There is no deleted model '{name}' to bring back.")
        if (models / name).exists():
            raise UserError(f"A new model is called '{name}': rename or delete it first.")
        _move(found[0], models / name)


def deleted() -> list[str]:
    """Names of the models that can be brought back, the latest first."""
    return [_name(entry) for entry in _entries()]


def _trash() -> Path:
    return paths.models_folder() / ".trash"


def _entries() -> list[Path]:
    """What is in the trash, the latest first."""
    return sorted(_trash().glob("*~*"), key=lambda entry: (_number(entry), entry.name))[::-1]


def _number(entry: Path) -> int:
    digits = entry.name.partition("~")[0]
    return int(digits) if digits.isdecimal() and len(digits) <= 30 else 0


def _name(entry: Path) -> str:
    return entry.name.partition("~")[2]


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise atomic_files.trouble(target, error) from error
