"""How well a trigger works on a sample of test images, measured with the NumPy network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app import caches
from engine.core import progress
from engine.evaluation.metrics import Proportion, attackable_indices
from engine.evaluation.targets import target_labels
from engine.networks.running import batches
from engine.store import StoredModel

MANY = 200
_PART = 40  # images between two reports


@dataclass(frozen=True)
class Measured:
    """How well a trigger works on the sample.

    Attributes:
        attack, recovered: attack success and recovered accuracy, see `metrics.Scores`.
    """

    attack: Proportion
    recovered: Proportion


def measure(model: StoredModel, dataset: str, trigger: str) -> Measured:
    """Count on up to `MANY` test images outside the target class.

    Reports progress. Each part is cached, so that work interrupted by a click is not lost.

    Raises:
        UserError: no target is known, the trigger does not fit these images, or NumPy cannot run
            the network.
    """
    card, target = model.card, model.card.known_backdoor().target
    test = caches.dataset_images.test_images(dataset, card.image_shape[0])
    found = attackable_indices(test, target)
    chosen = found[np.linspace(0, len(found) - 1, min(MANY, len(found))).astype(int)]
    predicted = np.zeros(len(chosen), np.int64)
    for part in batches(len(chosen), _PART):
        progress.report(part.start, len(chosen), "Classifying triggered images")
        indices = tuple(map(int, chosen[part]))
        predicted[part] = caches.predictions.triggered_predictions(model, dataset, trigger, indices)
    labels = np.asarray(test.labels[chosen], np.int64)
    targets = target_labels(labels, target, len(card.class_names))
    return Measured(
        Proportion(int(np.sum(predicted == targets)), len(chosen)),
        Proportion(int(np.sum(predicted == labels)), len(chosen)),
    )
