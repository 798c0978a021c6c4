"""The contract of a family of trigger patterns that inversion searches through."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Family(ABC):
    """Patterns of one kind, with a size of their own measure.

    A pattern is described by arrays that gradient descent changes freely, its variables. Several
    patterns are searched for at once, so each array has a first axis of patterns.

    Attributes:
        name: as in files and on the command line.
        title: as in sentences: "a patch".
        unit: of the size.
        learning_rate: of Adam, on the variables.
        goal: share of images, 0 to 1, that a pattern must send to its class.
        size_weight: of the size in the loss, at the start.
        largest: the size given to a class that no pattern led to.
        steps: of the search.
        power: of the strength of a change with which the size grows: 2 for an area.
        spread: standard deviation of how far the classes of clean networks stand out, in powers of
            two of the strength; see `report/detection/spreads.csv`.
        is_general: whether the patterns of other families are nearly all in this one too, so that
            it says little about the trigger's kind.
        height, width: of the images, pixels.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    unit: ClassVar[str]
    learning_rate: ClassVar[float]
    goal: ClassVar[float]
    size_weight: ClassVar[float]
    largest: ClassVar[float]
    steps: ClassVar[int]
    power: ClassVar[float] = 1.0
    spread: ClassVar[float]
    is_general: ClassVar[bool] = False

    height: int
    width: int

    @abstractmethod
    def start(self, count: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Variables to start the search from: float32 [count, ...] each."""

    @abstractmethod
    def apply(self, images: Any, variables: list[Any]) -> Any:
        """Images with a pattern on them, for TensorFlow graphs.

        Args:
            images: float32 [patterns, n, height, width, 3], grey levels from 0 to 255.
            variables: tensors [patterns, ...].

        Returns:
            A tensor of the images' shape, not clipped.
        """

    @abstractmethod
    def size(self, variables: list[Any]) -> Any:
        """The size of each pattern, in `unit`: a tensor [patterns]."""

    @abstractmethod
    def arrays(self, variables: list[np.ndarray]) -> Arrays:
        """One pattern as the arrays of a `RecoveredTrigger`.

        Args:
            variables: of one pattern, without the first axis.
        """
