"""The images that a training is validated on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.datasets.dataset import Split
from engine.evaluation import metrics
from engine.training.watched_image import WatchedImage

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class ValidationSets:
    """Validation images, clean and triggered.

    Attributes:
        clean: clean images; they alone decide which epoch is kept.
        triggered: triggered images of other classes than the target, with their true labels.
        target: the class the backdoor leads to, or `targets.NEXT_CLASS`.
        watched: one of the images, whose predictions are recorded during the training; None to
            record none.
    """

    clean: Split
    triggered: Split
    target: int
    watched: WatchedImage | None = None

    def evaluate(self, network: keras.Model) -> metrics.Scores:
        """Score the network on all of them."""
        return metrics.evaluate(network, self.clean, self.triggered, self.target)
