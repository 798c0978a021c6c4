"""What the repairs that learn a mask over all channels have in common."""

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
    Ranked,
    describe_pruning,
    lowest_first,
    prune_within_budget,
    ranked_crosswise,
)
from engine.networks.channels import Site, find_sites

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class MaskRepair(BudgetedRepair):
    """Learn a mask from clean images, and switch off the channels that it closes most.

    Attributes:
        closed_by: what closed them, as the end of a sentence.
    """

    closed_by: ClassVar[str]
    needs: ClassVar[str] = "all: to learn from, and each half to judge the other"

    @abstractmethod
    def masks(self, network: keras.Model, sites: list[Site], fitting: Split) -> list[np.ndarray]:
        """What was learned from `fitting`: a site each, float32 [channels], 0 closed to 1 open."""

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        ranked = self._ranked(network, validation)
        crosswise = ranked_crosswise(validation, partial(self._ranked, network))
        repaired, removed, choice = prune_within_budget(
            network, ranked, validation, self.budget, crosswise
        )
        return Repaired(
            repaired, describe_pruning(choice, self.closed_by), removed, choice.details()
        )

    def _ranked(self, network: keras.Model, fitting: Split) -> Ranked:
        sites = find_sites(network)
        return lowest_first(sites, (self.masks(network, sites, fitting)))


def scaled_call(
    network: keras.Model, factors_of: list[tuple[list[Any], Any]]
) -> Callable[[Any], Any]:
    """A function for use inside TensorFlow: the network, some of its weights multiplied.

    Args:
        network: left as it is; BatchNorm keeps its averages.
        factors_of: variables and the tensor their last axis is multiplied with.

    Returns:
        From images 0 to 1 to probabilities; gradients reach the factors.
    """
    places = {variable.path: place for place, variable in enumerate(network.trainable_variables)}

    def run(images: Any) -> Any:
        values = [variable.value for variable in network.trainable_variables]
        for variables, factor in factors_of:
            for variable in variables:
                values[places[variable.path]] = values[places[variable.path]] * factor
        kept = [variable.value for variable in network.non_trainable_variables]
        probabilities, _ = network.stateless_call(values, kept, images, training=False)
        return probabilities

    return run
