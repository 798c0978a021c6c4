"""Triggers that look at training images or at a network before they can be used."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from engine.attacks.triggers import artifacts
from engine.attacks.triggers.artifacts import Arrays
from engine.attacks.triggers.trigger import Trigger
from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.datasets.dataset import Split

if TYPE_CHECKING:
    import keras

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class LearnedTrigger(Trigger):
    """A trigger that is learned first, from images and a network that was trained on clean ones.

    What it learned is kept beside its model.
    """

    state: str = parameter(
        "", "Learned", "Names what was learned; a training with this trigger fills it in."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.state:
            artifacts.check_name(self.state)

    @property
    def ready(self) -> bool:
        """See `Trigger.ready`."""
        return bool(self.state)

    @abstractmethod
    def learn(self, train: Split, target: int, network: keras.Model, seed: int) -> Arrays:
        """What the trigger needs to be used.

        Args:
            train: clean training images.
            target: the class it shall lead to.
            network: from floats 0 to 1 to probabilities, left as it is.
            seed: the same one gives the same trigger, as far as TensorFlow repeats itself.
        """

    def fitted(self, train: Split, target: int, network: keras.Model, seed: int) -> Self:
        """This trigger with what it learned."""
        arrays = self.learn(train, target, network, seed)
        return dataclasses.replace(self, state=artifacts.keep(arrays))

    @abstractmethod
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each array it learns; None for a side of any length."""

    def learned(self) -> Arrays:
        """What it learned.

        Raises:
            UserError: it has not learned anything, or what is there does not go with its settings.
        """
        if not self.ready:
            raise UserError(
                f"'{self.title}' is learned before it can be used: train a model with it first."
            )
        arrays, shapes = artifacts.load(self.state), self.shapes()
        if set(arrays) != set(shapes) or not all(
            _fits(arrays[name], shape) for name, shape in shapes.items()
        ):
            raise UserError(
                f"What '{self.title}' has learned does not go with its settings: keep those that"
                " it was learned with, or train a model with it again."
            )
        return arrays


def _fits(array: np.ndarray, shape: Shape) -> bool:
    sides = len(array.shape) == len(shape) and all(
        0 < side == (side if wanted is None else wanted)
        for side, wanted in zip(array.shape, shape, strict=True)
    )
    return sides and bool(np.isfinite(array).all())
