"""The notebook runs from its first cell to its last, as written."""

import json
import os
import shutil
import subprocess
import sys

from engine.core.paths import PROJECT

NOTEBOOK = PROJECT / "docs" / "quickstart.ipynb"


def test_every_cell_of_the_quickstart_runs_and_stores_its_models(tmp_path, all_signs):
    shutil.copytree(all_signs / "cache", tmp_path / "cache")  # drawn already
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    environment = os.environ | {"PRUNING_LAB_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    stored = {path.name for path in (tmp_path / "models").iterdir()}
    assert {"signs-repaired", "my-first-backdoor"} <= stored


def test_the_notebook_is_shipped_without_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)
