"""The model that an experiment stores."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NewModel:
    """How a new model is stored.

    Attributes:
        name: of the model's folder.
        command: the command that makes it again, for its card.
        replace: whether a model of that name may be replaced.
        suite: see `ModelCard.suite`.
    """

    name: str
    command: str = "made by a Python program"
    replace: bool = False
    suite: str = ""
