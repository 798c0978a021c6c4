"""Checks of a .keras archive before anything in it is opened."""

from __future__ import annotations

import json
import math
import shutil
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

from engine.core.errors import UserError, quoted

# Members of a .keras archive, and the bytes each may unpack to.
METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MEMBERS = {METADATA: 64 << 10, CONFIG: 2 << 20, WEIGHTS: 512 << 20}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MAX_DIRECTORY = 4096  # bytes; three entries need some two hundred
MAX_LAYERS, MAX_DEPTH, MAX_SIZE = 400, 40, 8192
MAX_SIDE = 1024  # pixels, of the images that a network takes
MAX_TEXT = 200  # characters, of names and other text

_LAYERS = """Sequential Functional InputLayer Conv2D DepthwiseConv2D SeparableConv2D Activation ELU
ReLU LeakyReLU PReLU Softmax BatchNormalization LayerNormalization MaxPooling2D AveragePooling2D
GlobalMaxPooling2D GlobalAveragePooling2D Dropout SpatialDropout2D GaussianNoise Flatten Reshape
ZeroPadding2D Add Multiply Concatenate Dense Rescaling"""
_HELPERS = """GlorotUniform GlorotNormal HeNormal HeUniform LecunNormal LecunUniform Zeros Ones
RandomNormal RandomUniform TruncatedNormal VarianceScaling Constant Orthogonal L1 L2 L1L2 MaxNorm
NonNeg UnitNorm DTypePolicy __keras_tensor__"""
# Keras imports the module that a class names: only its own public ones.
_MODULES = """keras keras.layers keras.models keras.initializers keras.regularizers
keras.constraints keras.src.models.functional keras.src.models.sequential"""
_ACTIVATIONS = """linear relu relu6 leaky_relu elu selu celu gelu silu swish mish softplus softsign
sigmoid hard_sigmoid hard_silu hard_swish tanh exponential softmax log_softmax"""
LAYERS, HELPERS, MODULES, ACTIVATIONS = (
    frozenset(names.split()) for names in (_LAYERS, _HELPERS, _MODULES, _ACTIVATIONS)
)
COMPILED = "compile_config"  # how a network was trained; it is not needed, so it is left out
IDENTITIES = ("seed", "shared_object_id")  # numbers that are not sizes


def unpack(path: Path, weights: IO[bytes]) -> dict[str, Any]:
    """Check a .keras archive, copy its weights and return its description.

    Args:
        path: the archive.
        weights: where the HDF5 file with the weights is copied to; it is not opened here.

    Raises:
        UserError: it is no such archive, is too large, or uses parts that are not allowed.
    """
    try:
        with path.open("rb") as file:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive:
                _check_members(archive)
                with archive.open(CONFIG) as member:
                    config = json.loads(member.read(MEMBERS[CONFIG]))
                with archive.open(WEIGHTS) as member:
                    shutil.copyfileobj(member, weights, 1 << 20)
    except UserError:
        raise
    except RecursionError:
        raise UserError("is nested too deeply: it is not loaded.") from None
    except Exception:  # a damaged archive raises a dozen kinds
        raise UserError("is not a whole .keras file: copy it again.") from None
    if not isinstance(config, dict):
        raise UserError("is not a whole .keras file: it does not describe a network.")
    return check_config(config)


def pack(config: dict[str, Any], weights: Path, path: Path) -> None:
    """Write a .keras archive of a checked description and checked weights."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(METADATA, json.dumps({"keras_version": "3.15.1", "date_saved": ""}))
        archive.writestr(CONFIG, json.dumps(config))
        archive.write(weights, WEIGHTS)


def _check_directory(file: IO[bytes]) -> None:
    """Refuse an archive with a long list of members before that list is read."""
    size = file.seek(0, 2)
    file.seek(max(0, size - (1 << 16) - 22))
    end = file.read()
    place = end.rfind(b"PK\5\6")
    if place < 0 or len(end) - place < 22:
        raise UserError("is not a whole .keras file: copy it again.")
    (listed,) = struct.unpack_from("<I", end, place + 12)
    if listed > MAX_DIRECTORY:
        raise UserError(f"{_contents()} and nothing else.")


def _check_members(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if sorted(entry.filename for entry in entries) != sorted(MEMBERS):
        raise UserError(f"{_contents()} and nothing else.")
    for entry in entries:
        if entry.flag_bits & 1:
            raise UserError(f"holds an encrypted {entry.filename}: save it without a password.")
        if entry.compress_type not in METHODS:
            raise UserError("is packed in a way that Keras does not use: save it again with Keras.")
        if entry.file_size > MEMBERS[entry.filename]:
            limit = MEMBERS[entry.filename] >> 10
            raise UserError(f"holds a {entry.filename} of more than {limit:,} kB: not loaded.")


def _contents() -> str:
    return f"is not a .keras file: it must hold {', '.join(sorted(MEMBERS))}"


def check_config(config: dict[str, Any]) -> dict[str, Any]:
    """A network's description without the part on its training.

    Raises:
        UserError: some part of it is not allowed, or there are too many, or it is too large.
    """
    checked: dict[str, Any] = _Walk().check(config)
    if checked.get("class_name") not in ("Sequential", "Functional"):
        raise UserError("does not describe a network of layers.")
    return checked


class _Walk:
    """Checks every part of a network's description, however deeply nested."""

    def __init__(self) -> None:
        self.layers = 0

    def check(self, part: Any, key: str = "", depth: int = 0) -> Any:
        """`part`, checked; raise `UserError` at the first thing that is not allowed."""
        if depth > MAX_DEPTH:
            raise UserError("is nested too deeply: it is not loaded.")
        if isinstance(part, dict):
            self._check_class(part)
        if key in IDENTITIES and not (part is None or type(part) is int):
            raise UserError(f"has a {key} that is not a number: it is not loaded.")
        if isinstance(part, dict):
            return {
                name: self.check(value, name, depth + 1)
                for name, value in part.items()
                if name != COMPILED
            }
        if isinstance(part, list):
            return [self.check(value, key, depth + 1) for value in part]
        if isinstance(part, str):
            _check_text(part, key)
        elif isinstance(part, int | float) and key not in IDENTITIES:
            _check_number(part, key)
        return part

    def _check_class(self, part: dict[str, Any]) -> None:
        if any(len(name) > MAX_TEXT for name in part):
            raise UserError("has settings with overlong names: it is not loaded.")
        if "class_name" not in part:
            return
        name, module = part["class_name"], part.get("module")
        if not isinstance(name, str) or not (module is None or isinstance(module, str)):
            raise UserError("names a part by something that is not a name: it is not loaded.")
        if name not in LAYERS | HELPERS:
            raise UserError(f"uses {quoted(name)}, which is not allowed: save it without that.")
        if not (module is None or module in MODULES) or part.get("registered_name") not in (
            None,
            name,
        ):
            raise UserError(f"uses a {quoted(name)} that is not Keras's own: save it without that.")
        self.layers += name in LAYERS
        if self.layers > MAX_LAYERS:
            raise UserError(f"has more than {MAX_LAYERS} layers: it is not loaded.")


def _check_text(text: str, key: str) -> None:
    if len(text) > MAX_TEXT:
        raise UserError(f"has an overlong text for {quoted(key)}: it is not loaded.")
    if key == "activation" and text not in ACTIVATIONS:
        raise UserError(f"uses an activation {quoted(text)} that Keras does not have: use another.")
    if key == "name" and ("/" in text or not text.isprintable()):
        raise UserError("has a layer whose name cannot be shown or saved: rename it.")


def _check_number(number: float, key: str) -> None:
    if not math.isfinite(number):
        raise UserError(f"has {number} for {quoted(key)}: it is not loaded.")
    if abs(number) > MAX_SIZE:
        raise UserError(f"asks for {quoted(key)} of {number:g}: at most {MAX_SIZE} here.")
    if key in ("batch_shape", "batch_input_shape") and number > MAX_SIDE:
        raise UserError(f"takes images {number:g} wide or high: at most {MAX_SIDE} pixels here.")
