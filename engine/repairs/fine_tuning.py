"""Fine-tuning on clean images: the first thing anyone tries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from engine.datasets.dataset import Split
from engine.parameters import parameter
from engine.progress import Work
from engine.pruning import surgery
from engine.repairs.repair import Repaired, TolerantRepair
from engine.repairs.strength import strongest
from engine.repairs.tuning import fine_tuned

if TYPE_CHECKING:
    import keras

LEARNING_RATES = (4e-3, 2e-3, 1e-3, 3e-4)  # the higher, the more is forgotten


@dataclass(frozen=True)
class FineTuning(TolerantRepair):
    """Train on clean images at the highest learning rate that clean accuracy allows."""

    name: ClassVar[str] = "fine-tuning"
    title: ClassVar[str] = "Fine-tuning"
    idea: ClassVar[str] = (
        "Training goes on with clean images alone, in the hope that what they do not need is"
        " forgotten."
    )
    needs: ClassVar[str] = "all: to learn from, and each half to judge the other"

    epochs: int = parameter(
        4, "Epochs", "Passes over the clean images, at each learning rate.", minimum=1, maximum=100
    )

    def __call__(self, network: keras.Model, validation: Split) -> Work[Repaired]:
        """See `Repair.__call__`."""

        def attempt(learning_rate: float, fitting: Split) -> Work[keras.Model]:
            return fine_tuned(
                surgery.copied(network),
                fitting,
                learning_rate,
                self.epochs,
                np.random.default_rng(self.seed),
                f"Fine-tuning at a learning rate of {learning_rate:g}",
            )

        repaired, choice = yield from strongest(
            network, validation, self.tolerated, LEARNING_RATES, attempt
        )
        return Repaired(
            repaired,
            "Nothing was changed: no learning rate kept clean accuracy."
            if choice.setting is None
            else f"Trained on for {self.epochs} epochs at a learning rate of {choice.setting:g}.",
            details={"learning_rate": choice.setting, **choice.details()},
        )
