"""A model folder as bytes, so that it can travel between machines that share no folder."""

from __future__ import annotations

import dataclasses
import zipfile
from io import BytesIO
from pathlib import Path

from engine import store
from engine.core import atomic_files, paths
from engine.store import StoredModel, cards

FOLDER = "model"  # within an archive


def add_model(files: zipfile.ZipFile, stored: StoredModel) -> None:
    """Add the files of a model's folder to an archive that is being written."""
    for file in sorted(stored.folder.iterdir()):
        if file.is_file():
            files.write(file, f"{FOLDER}/{file.name}")


def pack(stored: StoredModel) -> bytes:
    """An archive with nothing but that model."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        add_model(files, stored)
    return content.getvalue()


def unpack(archive: bytes, name: str, suite: str = "") -> StoredModel:
    """Store the model in an archive among the user's models, in place of one of that name.

    Args:
        archive: see `add_model`.
        name: of the new model.
        suite: see `ModelCard.suite`.
    """
    unpack_to(paths.models_folder() / name, archive, name, suite)
    return store.find(name)


def unpack_to(folder: Path, archive: bytes, name: str, suite: str = "") -> None:
    """Make or replace that folder with the model in an archive; the rest as for `unpack`."""
    with atomic_files.new_folder(folder, replace=True) as aside:
        _unpack_files(archive, aside)
        card = dataclasses.replace(cards.read(aside / "card.json"), name=name, suite=suite)
        (aside / "card.json").write_text(card.to_json(), encoding="utf-8")


def _unpack_files(archive: bytes, folder: Path) -> None:
    """Write the files into an existing, empty folder; names that lead elsewhere are left out."""
    with zipfile.ZipFile(BytesIO(archive)) as files:
        for name in files.namelist():
            place, _, file = name.partition("/")
            if place == FOLDER and file and "/" not in file and not file.startswith("."):
                (folder / file).write_bytes(files.read(name))
