"""A network from somewhere else, opened where it can do no harm.

Keras's safe mode is a list of what is forbidden, not a sandbox. So the archive is looked at
first, then a child process with little memory and time opens it and writes the same network
anew; only what the child wrote is ever opened elsewhere.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

from engine import places
from engine.errors import LabError

# Members of a .keras archive, and the bytes each may unpack to.
WEIGHTS = "model.weights.h5"
MEMBERS = {"metadata.json": 64 << 10, "config.json": 2 << 20, WEIGHTS: 512 << 20}
MAX_LAYERS, MAX_DEPTH, MAX_SIZE = 400, 40, 8192
MAX_GROUPS = 10 * MAX_LAYERS  # of the weights; Keras writes two or three a layer
MEMORY = 4 << 30  # bytes the child may address
SECONDS = 120

_LAYERS = """Sequential Functional InputLayer Conv2D DepthwiseConv2D SeparableConv2D Activation ELU
ReLU LeakyReLU PReLU Softmax BatchNormalization LayerNormalization MaxPooling2D AveragePooling2D
GlobalMaxPooling2D GlobalAveragePooling2D Dropout SpatialDropout2D GaussianNoise Flatten Reshape
ZeroPadding2D Add Multiply Concatenate Dense Rescaling"""
_HELPERS = """GlorotUniform GlorotNormal HeNormal HeUniform LecunNormal LecunUniform Zeros Ones
RandomNormal RandomUniform TruncatedNormal VarianceScaling Constant Orthogonal L1 L2 L1L2 MaxNorm
NonNeg UnitNorm DTypePolicy __keras_tensor__"""
# How it was compiled is not read; seeds and identities are numbers, not sizes.
UNREAD = ("compile_config", "build_config", "seed", "shared_object_id")
ALLOWED = frozenset((_LAYERS + " " + _HELPERS).split())


def rebuild(source: Path, target: Path) -> None:
    """Write the network in `source`, a .keras file, anew to `target`.

    Raises:
        LabError: it is no such file, uses parts that are not allowed, or asks for too much.
    """
    check_archive(source)
    command = [sys.executable, "-m", "engine.quarantine", str(source), str(target)]
    try:
        done = subprocess.run(
            command,
            cwd=places.PROJECT,
            timeout=SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"{source.name} took more than {SECONDS} s to open: not loaded.") from None
    if done.returncode or not target.exists():
        reason = done.stdout.strip().splitlines()[-1:] or ["it asks for too much or is damaged"]
        raise LabError(f"{source.name} cannot be opened as a Keras network: {reason[0][:200]}.")


def check_archive(path: Path) -> None:
    """Raise `LabError` unless `path` is a .keras archive of allowed parts and sizes."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = sorted(entry.filename for entry in entries)
            if names != sorted(MEMBERS):
                raise LabError(
                    f"{path.name} is not a .keras file: it must hold {', '.join(sorted(MEMBERS))}"
                    " and nothing else."
                )
            for entry in entries:
                if entry.flag_bits & 1 or entry.file_size > MEMBERS[entry.filename]:
                    raise LabError(f"{path.name}: {entry.filename} is encrypted or far too large.")
            with archive.open("config.json") as file:
                config = json.loads(file.read(MEMBERS["config.json"]))
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError):
        raise LabError(f"{path.name} is not a whole .keras file.") from None
    except RecursionError:
        raise LabError(f"{path.name} is nested too deeply: not loaded.") from None
    _Walk(path.name).check(config)


class _Walk:
    """Looks at every part of a network's description."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.layers = 0

    def check(self, part: Any, depth: int = 0) -> None:
        """Raise `LabError` at the first part that is not allowed."""
        if depth > MAX_DEPTH:
            raise LabError(f"{self.name} is nested too deeply: not loaded.")
        if isinstance(part, dict):
            self._check_class(part)
            for key, value in part.items():
                if key not in UNREAD:
                    self.check(value, depth + 1)
        elif isinstance(part, list):
            for value in part:
                self.check(value, depth + 1)
        elif isinstance(part, int | float) and not isinstance(part, bool) and part > MAX_SIZE:
            raise LabError(f"{self.name} asks for a size of {part}: at most {MAX_SIZE} here.")

    def _check_class(self, part: dict[str, Any]) -> None:
        if "class_name" not in part:
            return
        name, module = part["class_name"], part.get("module")
        if name not in ALLOWED or not (module is None or str(module).startswith("keras")):
            raise LabError(f"{self.name} uses '{name}', which is not loaded from a file.")
        self.layers += name in _LAYERS.split()
        if self.layers > MAX_LAYERS:
            raise LabError(f"{self.name} has more than {MAX_LAYERS} layers: not loaded.")


def _limit() -> None:
    """Give this process little memory and time; not available on Windows."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEMBERS[WEIGHTS] * 2,) * 2)


def _check_weights(source: str) -> None:
    """Raise `ValueError` if the weights in a .keras file point elsewhere or unpack to too much.

    A file made to crash HDF5 may do so here: for a child process only.
    """
    import h5py

    with zipfile.ZipFile(source) as archive:
        weights = io.BytesIO(archive.read(WEIGHTS))
    with h5py.File(weights, "r") as file:
        groups: list[h5py.Group] = [file]
        declared = 0
        for group in groups:  # it grows on the way
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError("its weights point elsewhere")
                part = group[name]
                if isinstance(part, h5py.Group):
                    groups.append(part)
                elif not isinstance(part, h5py.Dataset) or part.external or part.is_virtual:
                    raise ValueError("its weights are not all plain arrays")
                else:
                    declared += part.size * part.dtype.itemsize
                if declared > MEMBERS[WEIGHTS] or len(groups) > MAX_GROUPS:
                    raise ValueError("its weights unpack to too much")


def _main(source: str, target: str) -> int:
    """The child: look at the weights, open, run once, write anew."""
    _limit()
    try:
        _check_weights(source)
        _write_anew(source, target)
    except Exception as error:  # whatever a hostile file provokes, the parent tells it
        print(str(error).splitlines()[0] if str(error) else type(error).__name__)
        return 1
    return 0


def _write_anew(source: str, target: str) -> None:
    from engine import quiet

    quiet.import_tensorflow()
    import keras
    import numpy as np

    model = keras.saving.load_model(source, compile=False, safe_mode=True)
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
        raise ValueError(f"it takes {shape}, not images of a fixed size")
    output = np.asarray(model(np.zeros((1, *shape[1:]), np.float32), training=False))
    if output.ndim != 2 or not np.isfinite(output).all():
        raise ValueError("it does not give one row of scores an image")
    model.save(target, include_optimizer=False)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:3]))
