"""CLP: prune the channels that amplify their input too much (Zheng et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from engine.datasets.dataset import Split
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import (
    describe_pruning,
    lowest_first,
    prune_within_budget,
    pruning_details,
)
from engine.networks.channels import above_mean, bounds, find_prunable_layers

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class CLP(BudgetedRepair):
    """Prune the channels whose Lipschitz bound is an outlier in their layer.

    The paper prunes what lies above mean + u standard deviations for a fixed u; here u decreases,
    one channel after the other, as far as the budget of clean accuracy allows.
    """

    name: ClassVar[str] = "clp"
    title: ClassVar[str] = "Channel Lipschitz pruning (CLP)"
    summary: ClassVar[str] = (
        "Finds from the weights alone which channels can amplify a faint change, and prunes the"
        " outliers of each layer."
    )
    needs: ClassVar[str] = "none to find the channels; all to evaluate"

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        prunable_layers = find_prunable_layers(network)
        above = [above_mean(bounds(network, prunable)) for prunable in prunable_layers]
        outliers_first = lowest_first(prunable_layers, [-values for values in above])
        repaired, removed, choice = prune_within_budget(
            network, outliers_first, validation, self.budget
        )
        if not choice.setting:
            return Repaired(
                repaired, describe_pruning(choice, ""), details=pruning_details(network, choice)
            )
        named = {
            prunable.convolution: values
            for prunable, values in zip(prunable_layers, above, strict=True)
        }
        least = min(float(named[name][channels].min()) for name, channels in removed.items())
        return Repaired(
            repaired,
            describe_pruning(
                choice,
                "those that amplify more than their layer's mean and"
                f" {least:.2f} standard deviations",
            ),
            removed,
            {**pruning_details(network, choice), "u": round(least, 4)},
        )
