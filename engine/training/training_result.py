"""The history of a training and which epoch it kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

Row = dict[str, float]


@dataclass
class TrainingResult:
    """The history of a training so far.

    Attributes:
        history: one row per epoch: epoch (from 1), loss, train_accuracy, seconds, and the three
            metrics on validation; accuracies and metrics in percent.
        interim_metrics: rough metrics within the epochs, on a few validation images, for display
            only: epoch (a fraction), loss, clean_accuracy, attack_success.
        watched_predictions: of one image at the same moments: epoch, and the likeliest classes of
            the clean and the triggered copy; see `InterimMetrics.watch`.
        epoch_kept: the epoch whose weights are kept; 0 before the first epoch has ended.
        stopped: whether it was stopped before the last epoch.
        id: identifies this training, also among others with the same settings.
    """

    history: list[Row] = field(default_factory=list)
    interim_metrics: list[Row] = field(default_factory=list)
    watched_predictions: list[dict[str, Any]] = field(default_factory=list)
    epoch_kept: int = 0
    stopped: bool = False
    id: str = field(default_factory=lambda: uuid4().hex)

    def last_is_best(self) -> bool:
        """Whether the last epoch beats all others in clean accuracy on validation."""
        *earlier, last = [row["clean_accuracy"] for row in self.history]
        return all(last > accuracy for accuracy in earlier)
