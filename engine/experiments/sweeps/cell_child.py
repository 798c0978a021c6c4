"""The child process that does the work of one cell; see `cell_process`."""

from __future__ import annotations

import json
import os
import sys
import threading
import zipfile
from pathlib import Path

from engine.core import progress
from engine.core.errors import UserError
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.cell_process import (
    PROBLEM_FILE,
    ROWS_FILE,
    reporting_on,
)


def main(model: str, archive: Path, network: Path) -> None:
    """Read a cell from standard input, do its work, and leave what came of it in `archive`.

    Args:
        model: what commands on the card call the network's model.
        archive: does not exist yet.
        network: an archive with the trained network; an empty file if it is to be trained.
    """
    cell = Cell.from_json(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    output = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    aside = archive.with_suffix(".part")
    with zipfile.ZipFile(aside, "w") as files, progress.reporting_to(reporting_on(output.write)):
        try:
            _work(cell, model, network.read_bytes(), files)
        except UserError as error:
            files.writestr(PROBLEM_FILE, str(error))
        except MemoryError:
            files.writestr(PROBLEM_FILE, "There is too little memory for this cell.")
    aside.rename(archive)


def _work(cell: Cell, model: str, network: bytes, files: zipfile.ZipFile) -> None:
    from engine.core import tensorflow_runtime

    progress.report(0, 0, "Starting TensorFlow")
    tensorflow_runtime.import_tensorflow()
    from engine.experiments.sweeps import model_archive
    from engine.experiments.sweeps.cell_work import about_this_machine, do_cell

    trained = model_archive.unpack(network, f"cell-{cell.key}") if network else None
    outcome = do_cell(cell, model, trained)
    about = about_this_machine()
    files.writestr(ROWS_FILE, json.dumps([row | about for row in outcome.rows]))
    model_archive.add_model(files, outcome.stored)


def _die_with_parent() -> None:
    """End this process once nobody holds the other end of its standard input."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
