"""Where things are on this computer: data, models, runs, caches."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED_MODELS = PROJECT / "models"


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds datasets: `root`, else `$PRUNING_LAB_DATA`, else `data/`."""
    return Path(root or os.environ.get("PRUNING_LAB_DATA") or PROJECT / "data").resolve()


def home() -> Path:
    """The folder the program writes to: `$PRUNING_LAB_HOME`, else the project's own."""
    return Path(os.environ.get("PRUNING_LAB_HOME") or PROJECT).resolve()


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
