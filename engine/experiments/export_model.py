"""Writing a stored network as a file for other programs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core import atomic_files, paths, progress
from engine.core.errors import unknown
from engine.networks import input_format
from engine.networks.input_format import InputFormat
from engine.store import StoredModel

if TYPE_CHECKING:
    import keras

FORMATS = ("keras", "onnx")


def export(stored: StoredModel, file: Path, format: str = "") -> Path:
    """Write a model's network as a file.

    An imported network, repaired or not, leaves as it came: it takes the range, the colours and
    the image size of the original and gives the original's outputs, in their order. Networks of
    this program take float32 RGB from 0 to 1 and give probabilities. As ONNX, colours come first
    (N, C, H, W) unless the network was imported otherwise.

    Args:
        stored: the model.
        file: where it is written; an existing file is replaced.
        format: one of `FORMATS`; the file's ending if left out.

    Returns:
        The file.

    Raises:
        UserError: there is no such format, the network cannot be opened, or it cannot be written.
    """
    format = check_format(format or file.suffix.removeprefix("."))
    progress.report(0, 0, "Opening the network")
    network = stored.network()
    imported = stored.card.imported
    if imported:
        network = input_format.restore(network, InputFormat.from_card(imported))
    progress.report(0, 0, f"Writing {file.name}")
    with atomic_files.new_file(file) as aside:
        _write(network, aside, format, bool(imported.get("channels_first", not imported)))
    return file


def check_format(name: str) -> str:
    """`name`, if a network can be written in that format; else a `UserError`."""
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    return name


def file_for_download(stored: StoredModel, format: str) -> Path:
    """The file that a page offers: the model's own, or one in the cache that `export` writes.

    It depends on everything that decides its content, so a file that exists can be handed out.
    """
    card = stored.card
    if format == "keras" and not card.imported:
        return stored.folder / "model.keras"
    content = json.dumps([card.sha256, card.imported], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:32]
    return paths.cache_folder() / "exports" / f"{digest}.{format}"


def _write(network: keras.Model, aside: Path, format: str, channels_first: bool) -> None:
    if format == "onnx":
        from engine.networks.onnx_files.writing import write_onnx  # not for the server

        write_onnx(network, aside, channels_first)
        return
    whole = aside.with_name(f"{aside.name}.keras")  # Keras asks for this ending
    try:
        network.save(whole, include_optimizer=False)
        whole.replace(aside)
    finally:
        whole.unlink(missing_ok=True)
