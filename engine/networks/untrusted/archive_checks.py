"""Checks of a .keras archive before anything in it is opened."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

from engine.core.errors import UserError
from engine.networks.untrusted.config_checks import check_config

# Members of a .keras archive, and the bytes each may unpack to.
METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MEMBERS = {METADATA: 64 << 10, CONFIG: 2 << 20, WEIGHTS: 512 << 20}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MAX_DIRECTORY = 4096  # bytes; three entries need some two hundred


def unpack(path: Path, weights: IO[bytes]) -> tuple[dict[str, Any], str]:
    """Check a .keras archive, and copy its weights.

    Args:
        path: the archive.
        weights: where the HDF5 file with the weights is copied to; it is not opened here.

    Returns:
        The network's description, and the version of the Keras that wrote it.

    Raises:
        UserError: it is no such archive, is too large, or uses parts that are not allowed.
    """
    try:
        with path.open("rb") as file:
            check_directory(file, MAX_DIRECTORY)
            with zipfile.ZipFile(file) as archive:
                _check_members(archive)
                metadata, config = (_json(archive, name) for name in (METADATA, CONFIG))
                with archive.open(WEIGHTS) as member:
                    shutil.copyfileobj(member, weights, 1 << 20)
    except UserError:
        raise
    except RecursionError:
        raise UserError("is nested too deeply: it is not loaded.") from None
    except Exception:  # a damaged archive raises a dozen kinds
        raise UserError("is not a whole .keras file: copy it again.") from None
    if not isinstance(config, dict) or not isinstance(metadata, dict):
        raise UserError("is not a whole .keras file: it does not describe a network.")
    return check_config(config), str(metadata.get("keras_version", ""))


def check_directory(file: IO[bytes], most: int) -> None:
    """Refuse a zip archive whose list of members is missing or long, before that list is read.

    Args:
        file: the archive.
        most: bytes that the list may have.

    Raises:
        UserError: it has more, or the archive breaks off.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - (1 << 16) - 22))
    end = file.read()
    place = end.rfind(b"PK\5\6")
    if place < 0 or len(end) - place < 22:
        raise UserError("is not a whole zip file: copy it again.")
    (listed,) = struct.unpack_from("<I", end, place + 12)
    if listed > most:
        raise UserError("is an archive of too many files: it is not loaded.")


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as member:
        return json.loads(member.read(MEMBERS[name]))


def _check_members(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if sorted(entry.filename for entry in entries) != sorted(MEMBERS):
        raise UserError(
            f"is not a .keras file: it must hold {', '.join(sorted(MEMBERS))} and nothing else."
        )
    for entry in entries:
        check_member(entry)
        if entry.file_size > MEMBERS[entry.filename]:
            limit = MEMBERS[entry.filename] >> 10
            raise UserError(f"holds a {entry.filename} of more than {limit:,} kB: not loaded.")


def check_member(entry: zipfile.ZipInfo) -> None:
    """Refuse a member of a zip archive that is encrypted, or packed in an unusual way."""
    if entry.flag_bits & 1:
        raise UserError("is encrypted: save it without a password.")
    if entry.compress_type not in METHODS:
        raise UserError("is packed in an unusual way: save it again, or zip it again.")
