"""Repairs that learn a mask over all channels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.datasets.dataset import Split
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import (
    RankedChannels,
    describe_pruning,
    lowest_first,
    prune_within_budget,
    pruning_details,
    rank_crosswise,
)
from engine.networks.channels import PrunableLayer, find_prunable_layers

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class MaskRepair(BudgetedRepair):
    """Learn a mask from clean images, and prune the channels that it closes most.

    Attributes:
        closed_by: why these channels, as the end of a sentence.
    """

    closed_by: ClassVar[str]
    needs: ClassVar[str] = "all; each half evaluates what the other half trained"

    @abstractmethod
    def masks(
        self, network: keras.Model, prunable_layers: list[PrunableLayer], fitting: Split
    ) -> list[np.ndarray]:
        """Learn the masks from `fitting`: one per prunable, float32 [channels], 0 (closed) to 1."""

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        ranked = self._ranked(network, validation)
        crosswise = rank_crosswise(validation, partial(self._ranked, network))
        repaired, removed, choice = prune_within_budget(
            network, ranked, validation, self.budget, crosswise
        )
        return Repaired(
            repaired,
            describe_pruning(choice, self.closed_by),
            removed,
            pruning_details(network, choice),
        )

    def _ranked(self, network: keras.Model, fitting: Split) -> RankedChannels:
        prunable_layers = find_prunable_layers(network)
        return lowest_first(prunable_layers, self.masks(network, prunable_layers, fitting))


def scaled_call(
    network: keras.Model, factors_of: list[tuple[list[Any], Any]]
) -> Callable[[Any], Any]:
    """The network with some of its weights multiplied, as a function for TensorFlow graphs.

    Args:
        network: not changed; BatchNorm uses its stored averages.
        factors_of: variables, and the tensor by which their last axis is multiplied.

    Returns:
        A function from images 0 to 1 to the outputs; gradients reach the factors.
    """
    places = {id(variable): place for place, variable in enumerate(network.trainable_variables)}

    def run(images: Any) -> Any:
        values = [variable.value for variable in network.trainable_variables]
        for variables, factor in factors_of:
            for variable in variables:
                place = places[id(variable)]
                values[place] = values[place] * factor
        kept = [variable.value for variable in network.non_trainable_variables]
        outputs, _ = network.stateless_call(values, kept, images, training=False)
        return outputs

    return run
