"""Telling formats of network files apart by their content, whatever their names end in."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path
from typing import IO, Literal

from engine.core.errors import UserError, quoted
from engine.networks.untrusted import protobuf
from engine.networks.untrusted.archive_checks import MEMBERS, check_directory

Format = Literal["keras", "h5", "savedmodel", "onnx"]
MAX_DIRECTORY = 1 << 20  # bytes of a zip archive's list of members
GRAPH = "saved_model.pb"

_PYTORCH = (
    "is a PyTorch checkpoint or another pickle, which holds weights only, or code: export the"
    " network to ONNX with torch.onnx.export, see docs/own-model.md."
)
_PACKED = "is a packed archive, but no zip: unpack it, and zip the SavedModel's folder."
_SAFETENSORS = (
    "is a .safetensors file, which holds weights without a network: export the whole network to"
    " ONNX, see docs/own-model.md."
)
_TFLITE = "is a TensorFlow Lite file, made for phones: use the .keras or .h5 file it was made from."
_BARE_GRAPH = (
    "is the graph of a SavedModel without its weights: zip the whole folder with saved_model.pb,"
    " keras_metadata.pb and variables/."
)
_FROZEN = "is a frozen TensorFlow graph, which would be foreign code: export it to ONNX."
_POINTER = "only points to a file kept by Git LFS: fetch that with `git lfs pull`."
_PAGE = "is a web page, not a network: download the file itself."
_UNKNOWN = (
    "is not a network file that this program knows: give a .keras, .h5 or .onnx file, or a zip of"
    " a Keras SavedModel."
)
_CUT_SHORT = "is not a whole {} file: copy it again."

# Beginnings of files that are refused: place, bytes, and why.
_REFUSED = (
    (0, rb"\x80[\x02-\x05]", _PYTORCH),
    (4, rb"TFL3", _TFLITE),
    (257, rb"ustar", _PACKED),
    (0, rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!", _PACKED),
    (8, rb"\{", _SAFETENSORS),
    (0, rb"version https://git-lfs", _POINTER),
    (0, rb"(?i)\s*<(!doctype )?html", _PAGE),
)


def recognized(path: Path) -> Format:
    """The format of a file that may hold a network.

    Raises:
        UserError: it is none that can be opened; the text continues a sentence that begins with
            the file's name, and says what to do instead.
    """
    with path.open("rb") as file:
        head = file.read(512)
        if not head:
            raise UserError("is empty: copy it again.")
        if head.startswith(b"PK\3\4") or head.startswith(b"PK\1\2"):
            return _zip_format(file, head)
        if head.startswith(b"\x89HDF\r\n\x1a\n"):
            return "h5"
        for place, beginning, why in _REFUSED:
            if re.match(beginning, head[place:], re.DOTALL) and _is_plausible(why, head):
                raise UserError(why)
        return _message_format(file)


def _is_plausible(why: str, head: bytes) -> bool:
    """Whether a beginning of a single byte is what it seems."""
    if why != _SAFETENSORS:
        return True
    (size,) = struct.unpack_from("<Q", head)  # of the JSON text that follows
    return 1 < size < 1 << 27


def _zip_format(file: IO[bytes], head: bytes) -> Format:
    """The format of what a zip archive holds."""
    if re.match(rb".{30}[^/\0]*/(data|constants)\.pkl", head, re.DOTALL):
        raise UserError(_PYTORCH)
    check_directory(file, MAX_DIRECTORY)
    try:
        names = zipfile.ZipFile(file).namelist()
    except Exception:  # a damaged archive raises a dozen kinds
        raise UserError(_CUT_SHORT.format("zip")) from None
    last = {name.rpartition("/")[2] for name in names}
    if "data.pkl" in last:
        raise UserError(_PYTORCH)
    if GRAPH in last:
        return "savedmodel"
    if set(MEMBERS) & set(names):
        return "keras"
    for name in sorted(last):
        if name.endswith((".keras", ".h5", ".hdf5", ".onnx", ".pt", ".pth")):
            raise UserError(f"is a zip with {quoted(name)} in it: unpack it, and give that file.")
    raise UserError("is a zip that holds no network: give a .keras file or a Keras SavedModel.")


def _message_format(file: IO[bytes]) -> Format:
    """The format of a protocol buffer, by the numbers of its fields."""
    seen: list[tuple[int, bool]] = []  # number, and whether the value is a number
    file.seek(0)
    whole = True
    try:
        for number, value in protobuf.fields(memoryview(file.read())):
            seen.append((number, isinstance(value, int)))
    except protobuf.Damaged:
        whole = False
    return _format_of_fields(seen, whole)


def _format_of_fields(seen: list[tuple[int, bool]], whole: bool) -> Format:
    """`Format` of a message with these fields: ONNX's ModelProto has a graph as number 7."""
    numbers = {number for number, _ in seen}
    has_version = (1, True) in seen
    if has_version and 7 in numbers and whole:
        return "onnx"
    if has_version and seen[0] == (1, True) and not whole:
        raise UserError(_CUT_SHORT.format("ONNX"))
    if whole and has_version and numbers == {1, 2}:
        raise UserError(_BARE_GRAPH)
    if seen and seen[0] == (1, False) and numbers <= {1, 2, 3, 4, 5}:
        raise UserError(_FROZEN)
    raise UserError(_UNKNOWN)
