"""Seeing, training, finding and removing backdoors in image classifiers.

The folders are the rooms of the program, in the order in which data passes through them: core,
imaging, datasets, networks, evaluation, attacks, training, defenses, store, experiments,
reporting, cli. This package offers the public API:

    import engine

    signs = engine.load_dataset("signs")
    engine.evaluate("signs-ftrojan", signs)

Importing it imports nothing else; nothing in it imports Streamlit.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.attacks.triggers import parse_trigger
    from engine.datasets import load_dataset
    from engine.experiments.api import (
        activations,
        detect,
        evaluate,
        import_model,
        prune,
        repair,
        train,
    )
    from engine.experiments.attack_plan import AttackPlan
    from engine.training.training_config import TrainingConfig

_API = "engine.experiments.api"
_HOME_OF = {
    "load_dataset": "engine.datasets",
    "parse_trigger": "engine.attacks.triggers",
    "AttackPlan": "engine.experiments.attack_plan",
    "TrainingConfig": "engine.training.training_config",
    "train": _API,
    "import_model": _API,
    "evaluate": _API,
    "activations": _API,
    "prune": _API,
    "detect": _API,
    "repair": _API,
}

__all__ = [
    "AttackPlan",
    "TrainingConfig",
    "activations",
    "detect",
    "evaluate",
    "import_model",
    "load_dataset",
    "parse_trigger",
    "prune",
    "repair",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for at its first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
