"""Where files are on this computer: data, models, jobs, caches."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]  # a checkout, or where packages are installed
SHIPPED_MODELS = PROJECT / "models"
SHIPPED_SWEEPS = PROJECT / "docs" / "results" / "sweeps"


def _own_folder() -> Path:
    """Default folder for data and results: the checkout, or one in the user's home folder."""
    is_checkout = (PROJECT / "pyproject.toml").exists()
    return PROJECT if is_checkout else Path.home() / ".backdoor-lab"


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds the datasets: `root`, else `$PRUNING_LAB_DATA`, else `data/`."""
    return Path(root or os.environ.get("PRUNING_LAB_DATA") or _own_folder() / "data").resolve()


def home() -> Path:
    """The folder the program writes to: `$PRUNING_LAB_HOME`, else the default folder."""
    return Path(os.environ.get("PRUNING_LAB_HOME") or _own_folder()).resolve()


def models_folder() -> Path:
    """Models that the user trained, imported or repaired."""
    return home() / "models"


def datasets_folder() -> Path:
    """Datasets that the user added: a folder each, with a description."""
    return home() / "datasets"


def repaired_folder() -> Path:
    """Repaired copies made to compare repairs: a folder per model, in it one per repair."""
    return home() / "repaired"


def sweeps_folder() -> Path:
    """A folder for each sweep, with its results."""
    return home() / "sweeps"


def jobs_folder() -> Path:
    """A folder for each job: its request, status, log and checkpoint."""
    return home() / "jobs"


def cache_folder() -> Path:
    """Files that can be deleted at any time and are then made again."""
    return home() / "cache"
