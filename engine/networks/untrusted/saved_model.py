"""A zip of a SavedModel that Keras 2 wrote, opened without its graph, which is foreign code.

Keras 2 wrote beside the graph what it needs to build the network anew (`keras_metadata.pb`); the
weights lie in a checkpoint of TensorFlow. `saved_model.pb` is never read.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.networks.untrusted import archive_checks, formats, protobuf
from engine.networks.untrusted.config_checks import check_config

MAX_MEMBERS, MAX_RATIO = 1000, 200
_METADATA, _INDEX = "keras_metadata.pb", "variables/variables.index"
_DATA = "variables/variables.data-00000-of-00001"
MEMBERS = {_METADATA: 16 << 20, _INDEX: 4 << 20, _DATA: 512 << 20}  # bytes each may unpack to
SMALL = 1 << 20  # bytes that may be packed to any ratio
ROOT = "root"


@dataclass(frozen=True)
class Described:
    """What a SavedModel says about its network.

    Attributes:
        config: the description, checked.
        names: names of the layers by their path in the checkpoint, such as "root.layer-2".
    """

    config: dict[str, Any]
    names: Mapping[str, str]


def unpack(path: Path, folder: Path) -> Described:
    """Check a zip of a SavedModel, and unpack its checkpoint as `folder`/variables.*.

    Raises:
        UserError: it is damaged, is too large, holds only a graph, or uses parts that are not
            allowed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _members(archive)
            with archive.open(entries[_METADATA]) as member:
                metadata = member.read(MEMBERS[_METADATA])
            for name in (_INDEX, _DATA):
                target = folder / name.rpartition("/")[2]
                with archive.open(entries[name]) as member, target.open("wb") as copy:
                    shutil.copyfileobj(member, copy, 1 << 20)
        return _described(memoryview(metadata))
    except UserError:
        raise
    except RecursionError:
        raise UserError("is nested too deeply: it is not loaded.") from None
    except Exception:  # a damaged archive raises a dozen kinds
        raise UserError("is not a whole SavedModel: zip its folder again.") from None


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members that are needed, by their path in the SavedModel's folder."""
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise UserError("is an archive of too many files: it is not loaded.")
    graphs = [each.filename for each in entries if each.filename.endswith(formats.GRAPH)]
    found = [name.removesuffix(formats.GRAPH) for name in graphs if "__MACOSX" not in name]
    if len(found) != 1 or found[0].count("/") > 1 or found[0] not in ("", *_folders(entries)):
        raise UserError("must hold one SavedModel, at its top or in one folder: zip it again.")
    inside = {
        entry.filename.removeprefix(found[0]): entry
        for entry in entries
        if entry.filename.startswith(found[0])
    }
    if _METADATA not in inside:
        raise UserError(
            "holds only a graph, which would be foreign code: save the network as .keras or .h5,"
            " or export it to ONNX."
        )
    if missing := [name for name in MEMBERS if name not in inside]:
        raise UserError(f"lacks {missing[0]}: zip the SavedModel's whole folder.")
    for name, most in MEMBERS.items():
        _check_member(inside[name], most)
    return inside


def _folders(entries: list[zipfile.ZipInfo]) -> set[str]:
    """Folders at the top of an archive."""
    parts = (entry.filename.partition("/") for entry in entries)
    return {f"{first}/" for first, slash, _ in parts if slash and first not in (".", "..")}


def _check_member(entry: zipfile.ZipInfo, most: int) -> None:
    archive_checks.check_member(entry)
    name = entry.filename.rpartition("/")[2]
    if entry.file_size > most:
        raise UserError(f"holds a {name} of more than {most >> 20} MB: it is not loaded.")
    if entry.file_size > SMALL and entry.file_size > MAX_RATIO * entry.compress_size:
        raise UserError(f"holds a {name} that is packed too tightly to be weights: not loaded.")


def _described(metadata: memoryview) -> Described:
    """The network in `keras_metadata.pb`: SavedMetadata of Keras 2's saved_metadata.proto."""
    names, root = {}, None
    for path, about in _nodes(metadata):
        if path == ROOT:
            root = about.get("model_config") or about
        elif isinstance(about.get("name"), str):
            names[path] = about["name"].replace("/", "_")
    if not isinstance(root, dict):
        raise UserError("does not describe a network of layers: save it as .keras or .h5.")
    return Described(check_config({key: root.get(key) for key in ("class_name", "config")}), names)


def _nodes(metadata: memoryview) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and description of each object that was saved."""
    for number, value in protobuf.fields(metadata):
        if number != 1:
            continue
        node = dict(protobuf.fields(protobuf.message(value)))
        path, about = (protobuf.text(node.get(key, memoryview(b""))) for key in (3, 5))
        if path == ROOT or path.rpartition(".")[2].startswith("layer"):
            described = json.loads(about)
            if isinstance(described, dict):
                yield path, described
