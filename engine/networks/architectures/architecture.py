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

    def count_parameters(
        self,
        classes: int,  # noqa: ARG002
        image_shape: tuple[int, int, int],  # noqa: ARG002
    ) -> int | None:
        """How many values the network has, without building it; None if it cannot tell."""
        return None

    def relative_time(self) -> float | None:
        """Time of a training step, that of the paper's network being 1; None if not measured.

        Those of the program's own networks were measured on two cores, in float32, 32x32 images
        and batches of 64 (`training_steps.compile_epoch`); other widths follow the power law
        fitted to them.
        """
        return None
