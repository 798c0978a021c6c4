"""Where things are on this computer: data, models, runs, caches."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]  # a checkout, or where packages are installed
SHIPPED_MODELS = PROJECT / "models"


def _own_folder() -> Path:
    """Where data and results go: a checkout keeps its own, an installed program the user's."""
    is_checkout = (PROJECT / "pyproject.toml").exists()
    return PROJECT if is_checkout else Path.home() / ".backdoor-lab"


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds datasets: `root`, else `$PRUNING_LAB_DATA`, else `data/`."""
    return Path(root or os.environ.get("PRUNING_LAB_DATA") or _own_folder() / "data").resolve()


def home() -> Path:
    """The folder the program writes to: `$PRUNING_LAB_HOME`, else its own."""
    return Path(os.environ.get("PRUNING_LAB_HOME") or _own_folder()).resolve()


def models_folder() -> Path:
    """Models the user trains or repairs."""
    return home() / "models"


def repaired_folder() -> Path:
    """What comparing repairs left: a folder a model, and in it one a method."""
    return home() / "repaired"


def jobs_folder() -> Path:
    """Status, log and checkpoint of each piece of long work."""
    return home() / "runs"


def cache_folder() -> Path:
    """What can be deleted at any time and is then made again."""
    return home() / "cache"
