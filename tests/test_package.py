"""What `pip install .` brings: the command, the API and the shipped models."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.paths import PROJECT

PACKED = ("engine", "pyproject.toml", "requirements.txt", "README.md", "models/signs-clean")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder into which the program is installed, without what it requires."""
    folder = tmp_path_factory.mktemp("package")
    source = folder / "source"
    source.mkdir()
    for name in PACKED:
        path = PROJECT / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, source / name)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-compile"]
    place = folder / "site"
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(place), "."]
    subprocess.run(command, cwd=source, check=True)
    return place


def run(installed: Path, home: Path, *command: str) -> str:
    environment = {"PYTHONPATH": str(installed), "HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=home,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_the_command_lists_the_models_that_come_along(installed, tmp_path):
    assert "signs-clean" in run(installed, tmp_path, str(installed / "bin/backdoor-lab"), "models")


def test_template_and_style_come_with_the_report(installed):
    for ending in ("css", "j2"):
        assert list((installed / "engine" / "reporting").glob(f"*.{ending}"))


def test_results_go_to_the_users_own_folder(installed, tmp_path):
    code = "from engine.core import paths; print(paths.home())"
    assert run(installed, tmp_path, "-c", code).strip() == str(tmp_path / ".backdoor-lab")
