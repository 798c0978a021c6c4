"""Triggers that are learned from training images and a network before they can be applied."""

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
    """A trigger that is learned from training images and a network trained on clean ones.

    The learned arrays are stored beside the model; see `artifacts`.
    """

    state: str = parameter(
        "", "Learned", "Name of the learned arrays; training with this trigger fills it in."
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
        """Learn the arrays that the trigger needs; their shapes are those of `shapes`.

        Args:
            train: clean training images.
            target: the class that the trigger should lead to.
            network: from floats 0 to 1 to probabilities; not changed.
            seed: the same seed gives the same trigger, as far as TensorFlow is deterministic.
        """

    def fitted(self, train: Split, target: int, network: keras.Model, seed: int) -> Self:
        """A copy of this trigger that has been learned."""
        arrays = self.learn(train, target, network, seed)
        return dataclasses.replace(self, state=artifacts.keep(arrays))

    @abstractmethod
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each learned array; None for a side of any length."""

    def learned(self) -> Arrays:
        """The learned arrays.

        Raises:
            UserError: the trigger has not been learned, or the arrays do not fit its parameters.
        """
        if not self.ready:
            raise UserError(
                f"'{self.title}' must be learned before use: train a model with it first."
            )
        arrays, shapes = artifacts.load(self.state), self.shapes()
        if set(arrays) != set(shapes) or not all(
            _fits(arrays[name], shape) for name, shape in shapes.items()
        ):
            raise UserError(
                f"The learned data of '{self.title}' do not fit its settings: use the settings that"
                " it was learned with, or train a model with it again."
            )
        return arrays


def _fits(array: np.ndarray, shape: Shape) -> bool:
    sides = len(array.shape) == len(shape) and all(
        0 < side == (side if wanted is None else wanted)
        for side, wanted in zip(array.shape, shape, strict=True)
    )
    return sides and bool(np.isfinite(array).all())
