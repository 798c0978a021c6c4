"""Pruning, then fine-tuning with the pruned channels held at zero (Liu et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.repairs.finetune_loop import fine_tune
from engine.defenses.repairs.pruning import pruned_curve
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import select_strongest
from engine.networks import edit

if TYPE_CHECKING:
    import keras

DROPS = (30.0, 10.0, 4.0, 1.0)  # clean accuracy given up before fine-tuning, points


@dataclass(frozen=True)
class FinePruning(BudgetedRepair):
    """Prune the least active channels of the last convolution, then fine-tune the rest."""

    name: ClassVar[str] = "fine-pruning"
    title: ClassVar[str] = "Fine-pruning"
    summary: ClassVar[str] = (
        "Prunes channels that are inactive on clean images; fine-tuning then restores the accuracy"
        " that this costs."
    )
    needs: ClassVar[str] = "all; each half evaluates what the other half trained"

    epochs: int = parameter(
        4, "Epochs", "Passes over the clean images after pruning.", minimum=1, maximum=100
    )
    learning_rate: float = parameter(
        3e-4, "Learning rate", "The highest of the fine-tuning.", minimum=1e-6, maximum=1
    )

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        gone: dict[str, list[int]] = {}  # pruned in the latest attempt

        def attempt(drop: float, fitting: Split) -> keras.Model:
            curve = pruned_curve(network, fitting)
            channels = curve.channels_at(drop)
            gone.clear()
            gone[curve.layer] = sorted(int(channel) for channel in channels)
            pruned = edit.without_channels(network, curve.layer, channels)
            tuned = fine_tune(
                pruned,
                fitting,
                self.learning_rate,
                self.epochs,
                np.random.default_rng(self.seed),
                f"Fine-tuning with {len(channels)} channels pruned",
                _holding(pruned.get_layer(curve.layer).trainable_variables, channels),
            )
            return tuned

        repaired, choice = select_strongest(network, validation, self.budget, DROPS, attempt)
        if choice.setting is None:
            return Repaired(
                repaired,
                "Nothing was changed: fine-tuning did not restore the accuracy.",
                details=choice.details(),
            )
        (layer, channels), *_ = gone.items()
        return Repaired(
            repaired,
            f"{len(channels)} channels of {layer} pruned, then fine-tuned for"
            f" {self.epochs} epochs with them held at zero.",
            gone,
            choice.details(),
        )


def _holding(held: Sequence[Any], channels: np.ndarray) -> Callable[[Any], np.ndarray]:
    """What `fine_tune` takes to hold channels where they are: 0 for their weights, else 1.

    Args:
        held: variables whose last axis are the channels.
        channels: int [k].
    """

    def free(variable: Any) -> np.ndarray:
        factors = np.ones(variable.shape, np.float32)
        if any(variable is own for own in held):
            factors[..., channels] = 0
        return factors

    return free
