"""The child process that opens an untrusted file.

It takes the kind of file, the file and a folder of its own, and ends with status 0 once it has
written the contents into that folder; else it leaves there what is wrong, as the rest of a
sentence that begins with the file's name.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.networks.untrusted import checks, confine
from engine.networks.untrusted.opening import ABOUT, NETWORK, PROBLEM, SECONDS
from engine.networks.untrusted.parts import Parts, read_parts, write_parts

MEMORY = {"network": 1 << 30, "arrays": 1 << 30}  # bytes, for the checks
MOST_MEMORY = {"network": 4 << 30}  # bytes, for TensorFlow
MAX_ARRAYS, MAX_ARRAY_BYTES = 64, 64 << 20
TRIAL_SECONDS = 3  # of processor time, for one image


def main(kind: str, source: str, target: str) -> int:
    """Rewrite `source` into the folder `target`; returns the exit status."""
    folder = Path(target)
    confine.confine(folder, SECONDS[kind], MEMORY[kind], MOST_MEMORY.get(kind, 0))
    return attempt(_REWRITE[kind], Path(source), folder)


def attempt(rewrite: Callable[[Path, Path], object], source: Path, folder: Path) -> int:
    """The exit status after `rewrite(source, folder)`; what is wrong is left in the folder."""
    try:
        rewrite(source, folder)
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


def check(source: Path, folder: Path) -> checks.Checked:
    """What can be found out about a network's file without TensorFlow."""
    checked = checks.check(source, folder)
    if checked.parts is not None:
        _try(checked.parts)
    return checked


def _rewrite_network(source: Path, folder: Path) -> None:
    """A network in standard form as Keras writes it, and taken apart for the server."""
    checked = check(source, folder)
    confine.allow_memory(MOST_MEMORY["network"])
    network, channels_first = checked.build()
    for unpacked in folder.iterdir():
        if unpacked.is_file():
            unpacked.unlink()
    from engine.networks import standard_form

    standard = standard_form.standardize(network)
    standard.network.save(folder / NETWORK, include_optimizer=False)
    parts = read_parts(folder / NETWORK)
    _try(parts)
    write_parts(parts, folder)
    about = {
        "format": checked.format,
        "channels_first": channels_first,
        "left_out": standard.left_out,
    }
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


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
    "network": _rewrite_network,
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
    _limit_trial(TRIAL_SECONDS)
    scores = network.probabilities(np.zeros((1, *parts.input_shape()), np.uint8))
    _limit_trial(0)
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise UserError("does not give one row of finite scores for each image.")


def _limit_trial(seconds: float) -> None:
    """Raise `UserError` in so many seconds of processor time; 0 for never."""
    if not hasattr(signal, "setitimer"):  # Windows
        return
    signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def _give_up(*_: object) -> None:
    raise UserError("takes too long to compute: it is not loaded.")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
