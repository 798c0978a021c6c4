"""The contract of an architecture."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from engine.core.parameters import Parameterized

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Architecture(Parameterized):
    """Builds a network before it is trained; its fields are its parameters.

    Attributes:
        summary: what it is, in one sentence.
        reference: where it was published.
    """

    required: ClassVar[tuple[str, ...]] = ("name", "title", "summary", "reference")
    summary: ClassVar[str]
    reference: ClassVar[str]

    @abstractmethod
    def build(self, classes: int, image_shape: tuple[int, int, int], seed: int) -> keras.Model:
        """A network with new weights.

        Args:
            classes: number of outputs.
            image_shape: (height, width, 3).
            seed: makes initial weights and dropout repeatable.

        Returns:
            A network from float32 [n, height, width, 3], 0 to 1, to probabilities float32
            [n, classes].

        Raises:
            UserError: it cannot take images of that shape.
        """
