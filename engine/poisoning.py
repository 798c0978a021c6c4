"""Which training images get the trigger, and which label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.datasets.dataset import Split
from engine.errors import LabError
from engine.triggers import Trigger


@dataclass(frozen=True)
class Poisoned:
    """A training set with a backdoor in it.

    Attributes:
        split: images and labels, the poisoned ones in place.
        indices: int64 [k], sorted: which of them are poisoned.
    """

    split: Split
    indices: np.ndarray


def choose(labels: np.ndarray, target: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """A random choice among images that are not of the target class.

    Args:
        labels: int [n].
        target: the class the backdoor leads to.
        rate: share of all n images, 0 (none) to below 1 (paper: 0.05).
        rng: source of the choice.

    Returns:
        int64 [round(rate * n)], sorted indices.
    """
    check_rate(rate)
    candidates = np.flatnonzero(labels != target)
    count = round(rate * len(labels))
    if rate and not 0 < count <= len(candidates):
        raise LabError(
            f"A poisoning rate of {rate:g} asks for {count} of {len(labels)} images, but"
            f" {len(candidates)} can be poisoned (those outside the target class):"
            f" choose a rate from {1 / len(labels):.2g} to {len(candidates) / len(labels):.2g}."
        )
    return np.sort(rng.choice(candidates, count, replace=False))


def check_rate(rate: float) -> None:
    """Raise `LabError` unless `rate` is a share from 0 to below 1."""
    if not 0 <= rate < 1:
        raise LabError(
            "The poisoning rate is a share below 1, such as 0.05, or 0 for a clean network,"
            f" not {rate:g}."
        )


def check_target(target: int, classes: int) -> None:
    """Raise `LabError` unless `target` is one of the classes 0 to `classes` - 1."""
    if not 0 <= target < classes:
        raise LabError(
            f"There is no target class {target}: the classes go from 0 to {classes - 1}."
        )


def poison(train: Split, trigger: Trigger, target: int, indices: np.ndarray) -> Poisoned:
    """A copy of `train` whose images at `indices` are triggered and labelled `target`."""
    images, labels = np.array(train.images), np.array(train.labels)
    if len(indices):
        images[indices] = trigger(images[indices])
    labels[indices] = target
    return Poisoned(Split(images, labels), indices)
