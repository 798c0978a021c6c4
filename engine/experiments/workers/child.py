"""The process that does one task; see `child_process`."""

from __future__ import annotations

import importlib
import json
import os
import platform
import socket
import sys
import threading
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from engine import store
from engine.core import progress
from engine.core.errors import UserError
from engine.core.version import program_version
from engine.experiments.workers import model_archive
from engine.experiments.workers.child_process import PROBLEM_FILE, ROWS_FILE, reporting_on
from engine.experiments.workers.task import Outcome, Row

OUT_OF_MEMORY = "The machine ran out of memory: use fewer workers or a smaller network."


def main(module: str, model: str, archive: Path, network: Path) -> None:
    """Read a task's settings from standard input, do it, and leave what came of it in `archive`.

    Args:
        module, model: see `Task`.
        archive: does not exist yet.
        network: the file with `Task.network`.
    """
    settings = sys.stdin.readline()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    output = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    aside = archive.with_suffix(".part")
    with zipfile.ZipFile(aside, "w") as files, progress.reporting_to(reporting_on(output.write)):
        try:
            _write(files, _do(module, settings, model, network.read_bytes()))
        except UserError as error:
            files.writestr(PROBLEM_FILE, str(error))
        except MemoryError:
            files.writestr(PROBLEM_FILE, OUT_OF_MEMORY)
    aside.rename(archive)


def _do(module: str, settings: str, model: str, network: bytes) -> Outcome:
    from engine.core import tensorflow_runtime

    progress.report(0, 0, "Starting TensorFlow")
    tensorflow_runtime.import_tensorflow()
    outcome: Outcome = importlib.import_module(module).do(settings, model, network)
    return outcome


def _write(files: zipfile.ZipFile, outcome: Outcome) -> None:
    about = about_this_machine()
    files.writestr(ROWS_FILE, json.dumps([row | about for row in outcome.rows]))
    model_archive.add_model(files, outcome.stored)


def about_this_machine() -> Row:
    """Versions and host, for the last columns of a table."""
    versions = store.versions()
    return {
        "version": program_version(),
        "python": versions["python"],
        "tensorflow": versions.get("tensorflow") or versions.get("tensorflow-cpu", ""),
        "keras": versions.get("keras", ""),
        "host": socket.gethostname(),
        "processor": platform.processor() or platform.machine(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _die_with_parent() -> None:
    """End this process once nobody holds the other end of its standard input."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(Path, sys.argv[3:]))
