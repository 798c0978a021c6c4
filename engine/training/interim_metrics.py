"""Rough metrics within the epochs, on a few validation images, to follow a training live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.datasets.dataset import Split
from engine.evaluation.targets import target_labels
from engine.networks import running
from engine.training.training_result import Row
from engine.training.validation_sets import ValidationSets

if TYPE_CHECKING:
    import keras

INTERIM_MEASUREMENTS = 30  # over a whole training
INTERIM_IMAGES = 128  # clean ones, and as many triggered ones


class InterimMetrics:
    """Measures a network on the same few validation images each time."""

    def __init__(self, network: keras.Model, validation_sets: ValidationSets) -> None:
        self._probabilities = running.compiled(network)
        self._watched = validation_sets.watched
        self._clean = _evenly_spaced(validation_sets.clean)
        self._triggered = _evenly_spaced(validation_sets.triggered)
        self._targets = target_labels(
            self._triggered.labels, validation_sets.target, network.output_shape[-1]
        )

    def measure(self) -> Row:
        """Clean accuracy and attack success in percent."""
        clean, triggered = map(self._predict, (self._clean, self._triggered))
        return {
            "clean_accuracy": 100 * float(np.mean(clean == self._clean.labels)),
            "attack_success": 100 * float(np.mean(triggered == self._targets)),
        }

    def watch(self) -> dict[str, Any]:
        """The likeliest classes of the watched image, clean and triggered; empty without one."""
        if self._watched is None:
            return {}
        images = np.stack([self._watched.clean, self._watched.triggered])
        clean, triggered = self._probabilities(running.scale(images))
        return {
            "clean": self._watched.likeliest(clean),
            "triggered": self._watched.likeliest(triggered),
        }

    def _predict(self, split: Split) -> np.ndarray:
        return self._probabilities(running.scale(split.images)).argmax(axis=1)


def _evenly_spaced(split: Split) -> Split:
    """At most `INTERIM_IMAGES` of a split, from its start to its end."""
    count = min(INTERIM_IMAGES, len(split))
    return split.take(np.linspace(0, len(split) - 1, count).astype(int))
