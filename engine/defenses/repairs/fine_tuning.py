"""Fine-tuning on clean images: the simplest repair."""

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
    """Fine-tune on clean images, as far towards the new weights as clean accuracy allows."""

    name: ClassVar[str] = "fine-tuning"
    title: ClassVar[str] = "Fine-tuning"
    summary: ClassVar[str] = (
        "Continues training on clean images only, so that what they do not need may be forgotten."
    )
    needs: ClassVar[str] = "all; each half evaluates what the other half trained"

    epochs: int = parameter(4, "Epochs", "Passes over the clean images.", minimum=1, maximum=100)
    learning_rate: float = parameter(
        4e-3, "Learning rate", "The highest; it decays to 0.", minimum=1e-6, maximum=1
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
            describe_interpolation(choice, f"Fine-tuned for {self.epochs} epochs"),
            details={"share": choice.setting, **choice.details()},
        )
