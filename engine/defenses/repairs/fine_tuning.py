"""Fine-tuning on clean images: the first thing anyone tries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.repairs.finetune_loop import fine_tune
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import describe_interpolation, interpolate_weights
from engine.networks import edit

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class FineTuning(BudgetedRepair):
    """Train on clean images, and go as far towards what was learned as clean accuracy allows."""

    name: ClassVar[str] = "fine-tuning"
    title: ClassVar[str] = "Fine-tuning"
    summary: ClassVar[str] = (
        "Training goes on with clean images alone, in the hope that what they do not need is"
        " forgotten."
    )
    needs: ClassVar[str] = "all: to learn from, and each half to judge the other"

    epochs: int = parameter(4, "Epochs", "Passes over the clean images.", minimum=1, maximum=100)
    learning_rate: float = parameter(
        4e-3, "Learning rate", "The highest; it falls to nothing.", minimum=1e-6, maximum=1
    )

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""

        def learn(fitting: Split) -> keras.Model:
            return fine_tune(
                edit.clone_network(network),
                fitting,
                self.learning_rate,
                self.epochs,
                np.random.default_rng(self.seed),
                "Fine-tuning",
            )

        repaired, choice = interpolate_weights(network, validation, self.budget, learn)
        return Repaired(
            repaired,
            describe_interpolation(choice, f"Trained on for {self.epochs} epochs"),
            details={"share": choice.setting, **choice.details()},
        )
