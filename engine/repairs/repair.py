"""What every repair is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.datasets.dataset import Split
from engine.parameters import Configurable
from engine.progress import Work

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Repaired:
    """What a repair gives.

    Attributes:
        network: the repaired network; the one handed in is left as it is.
        details: what was done, ready for JSON.
    """

    network: keras.Model
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Repair(Configurable):
    """Turns a network into a repaired one; its fields are its parameters."""

    @abstractmethod
    def __call__(self, network: keras.Model, validation: Split) -> Work[Repaired]:
        """Repair a copy of `network`.

        Args:
            network: from floats 0 to 1; left as it is.
            validation: clean images, all that a defender has.
        """
