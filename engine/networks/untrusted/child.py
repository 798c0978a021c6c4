"""The child process that opens an untrusted file.

It takes the kind of file, the file and a folder of its own, and ends with status 0 once it has
written the contents into that folder; else it leaves there what is wrong, as the rest of a
sentence that begins with the file's name.
"""

from __future__ import annotations

import re
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.networks.untrusted import archive_checks, confine, weights
from engine.networks.untrusted.opening import CHECKED, PROBLEM, SECONDS
from engine.networks.untrusted.parts import Parts, checked, write_parts

MEMORY = {"parts": 1 << 30, "keras": 4 << 30, "arrays": 1 << 30}  # bytes
MAX_ARRAYS, MAX_ARRAY_BYTES = 64, 64 << 20
TRIAL_SECONDS = 3  # of processor time, for one image


def main(kind: str, source: str, target: str) -> int:
    """Rewrite `source` into the folder `target`; returns the exit status."""
    folder = Path(target)
    confine.confine(folder, SECONDS[kind], MEMORY[kind])
    try:
        _REWRITE[kind](Path(source), folder)
    except UserError as error:
        problem = str(error)
    except MemoryError:
        problem = "asks for too much memory: it is not loaded."
    except Exception as error:  # a hostile file may cause any error
        problem = f"cannot be opened: {_in_plain_words(error)}."
    else:
        return 0
    (folder / PROBLEM).write_text(problem, encoding="utf-8")
    return 1


def _in_plain_words(error: Exception) -> str:
    """The beginning of an error's message, without anything a page could take for markup."""
    line = (str(error).splitlines() or [""])[0] or type(error).__name__
    return re.sub(r"[^\w .,:;'()/=+-]", " ", line)[:200].strip(" .")


def _rewrite_parts(source: Path, folder: Path) -> None:
    """A network as description and arrays, for the server, and as a checked archive for Keras."""
    unpacked = folder / "weights.h5"
    with unpacked.open("wb") as copy:
        config = archive_checks.unpack(source, copy)
    parts = checked(Parts(config, weights.read(unpacked)))
    _try(parts)
    write_parts(parts, folder)
    archive_checks.pack(config, unpacked, folder / CHECKED)
    unpacked.unlink()


def _rewrite_keras(source: Path, folder: Path) -> None:
    """A checked network as Keras itself writes it, for workers."""
    from engine.core import tensorflow_runtime

    tensorflow_runtime.import_tensorflow()
    import keras

    model = keras.saving.load_model(source, compile=False, safe_mode=True)
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
        raise UserError(f"takes {shape}, not images of a fixed size.")
    _check_scores(model(np.zeros((1, *shape[1:]), np.float32), training=False))
    model.save(folder / "model.keras", include_optimizer=False)


def _rewrite_arrays(source: Path, folder: Path) -> None:
    """An .npz file as a new one."""
    with zipfile.ZipFile(source) as file:
        entries = file.infolist()
        if len(entries) > MAX_ARRAYS or sum(entry.file_size for entry in entries) > MAX_ARRAY_BYTES:
            raise UserError("holds too much: it is not loaded.")
    with np.load(source, allow_pickle=False) as stored:
        arrays: dict[str, Any] = dict(stored)
    if any(array.dtype.kind not in "fiub" for array in arrays.values()):
        raise UserError("holds something else than numbers: it is not loaded.")
    with (folder / "arrays.npz").open("wb") as target:
        np.savez(target, **arrays)


_REWRITE: dict[str, Callable[[Path, Path], None]] = {
    "parts": _rewrite_parts,
    "keras": _rewrite_keras,
    "arrays": _rewrite_arrays,
}


def _try(parts: Parts) -> None:
    """Run the network on one image, if NumPy can, as the server would."""
    from engine.networks import numpy_inference  # slow to import: only for accepted files

    try:
        network = numpy_inference.load(parts)
    except numpy_inference.Unsupported:
        return  # the server refuses to run it as well
    except UserError:
        raise UserError("has weights that do not fit its layers: it is not loaded.") from None
    values, started = np.zeros((1, *parts.input_shape()), np.float32), time.process_time()
    for layer in network.layers:
        values = layer.run(values)
        if time.process_time() - started > TRIAL_SECONDS:
            raise UserError("takes too long to compute: it is not loaded.")
    _check_scores(values)


def _check_scores(output: Any) -> None:
    scores = np.asarray(output)
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise UserError("does not give one row of finite scores for each image.")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
