"""Poisoning a training set: which images get the trigger, and which label they carry then."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.attacks.triggers import CrossSampledTrigger, Trigger
from engine.core.errors import UserError, unknown
from engine.datasets.dataset import Split
from engine.evaluation.targets import NEXT_CLASS, target_labels

Labels = Literal["dirty-label", "clean-label"]
LABELS: tuple[Labels, ...] = ("dirty-label", "clean-label")
MAX_DORMANT_SHARE = 0.95  # of the channels; the network needs the rest to classify anything


@dataclass(frozen=True)
class PoisoningConfig:
    """How the training set is poisoned.

    Attributes:
        labels: "dirty-label": images of other classes get the trigger and the target's label;
            "clean-label": images of the target class get the trigger and keep their label.
        pgd_epsilon: largest change, in grey levels, of the PGD perturbation that poisoned images
            get before the trigger; see `pgd_perturbation`. 0: none.
        cross_samples: cross-samples (see `CrossSampledTrigger`) per poisoned image.
        dormant_share: share of the last convolution's channels that the backdoor avoids, so that
            pruning removes them first and leaves the backdoor alone; see `pruning_aware`.
    """

    labels: Labels = "dirty-label"
    pgd_epsilon: float = 0.0
    cross_samples: float = 0.0
    dormant_share: float = 0.0

    def check(self, trigger: Trigger, target: int) -> None:
        """Raise `UserError` unless this fits the trigger and its target class."""
        if self.labels not in LABELS:
            raise unknown("label mode", self.labels, LABELS)
        if self.labels == "clean-label" and target == NEXT_CLASS:
            raise UserError(
                "A clean-label attack needs one target class: choose a class, or dirty-label."
            )
        if not 0 <= self.pgd_epsilon <= 255:
            raise UserError(
                f"The PGD perturbation is 0 to 255 grey levels, not {self.pgd_epsilon:g}."
            )
        if not 0 <= self.cross_samples <= 100:
            raise UserError(
                f"Choose 0 to 100 cross-samples per poisoned image, not {self.cross_samples:g}."
            )
        if self.cross_samples and not isinstance(trigger, CrossSampledTrigger):
            raise UserError(f"'{trigger.title}' has no cross-samples: choose 0.")
        if not 0 <= self.dormant_share <= MAX_DORMANT_SHARE:
            raise UserError(
                f"The share of dormant channels is 0 to {MAX_DORMANT_SHARE:g},"
                f" not {self.dormant_share:g}."
            )


@dataclass(frozen=True)
class PoisonedSplit:
    """A poisoned training set.

    Attributes:
        split: images and labels, the poisoned ones included.
        indices: int64 [k], sorted: the poisoned images.
        cross_samples: int64 [c], sorted: the cross-samples.
    """

    split: Split
    indices: np.ndarray
    cross_samples: np.ndarray


def select_indices(
    labels: np.ndarray,
    target: int,
    rate: float,
    rng: np.random.Generator,
    labelling: Labels = "dirty-label",
) -> np.ndarray:
    """Choose at random which images to poison.

    Args:
        labels: int [n].
        target: the class the backdoor leads to, or `NEXT_CLASS`.
        rate: share of all n images, from 0 (none) to below 1 (paper: 0.05).
        rng: source of the choice.
        labelling: "dirty-label" chooses among the images outside the target class,
            "clean-label" among those of the target class.

    Returns:
        int64 [round(rate * n)], sorted indices.

    Raises:
        UserError: too few images can be poisoned, or the rate is so low that none would be.
    """
    check_rate(rate)
    clean_label = labelling == "clean-label"
    candidates = np.flatnonzero((labels == target) == clean_label)
    count = round(rate * len(labels))
    if rate and not 0 < count <= len(candidates):
        which = "those of" if clean_label else "those outside"
        raise UserError(
            f"A poisoning rate of {rate:g} asks for {count} of {len(labels)} images, but"
            f" {len(candidates)} can be poisoned ({which} the target class):"
            f" choose a rate from {1 / len(labels):.2g} to {len(candidates) / len(labels):.2g}."
        )
    return np.sort(rng.choice(candidates, count, replace=False))


def check_rate(rate: float) -> None:
    """Raise `UserError` unless `rate` is a share from 0 to below 1."""
    if not 0 <= rate < 1:
        raise UserError(
            "The poisoning rate is a share below 1, such as 0.05, or 0 for a clean network,"
            f" not {rate:g}."
        )


def check_target(target: int, classes: int) -> None:
    """Raise `UserError` unless `target` is one of the classes, or `NEXT_CLASS`."""
    if target != NEXT_CLASS and not 0 <= target < classes:
        raise UserError(
            f"There is no target class {target}: the classes go from 0 to {classes - 1}."
        )


def poison(
    train: Split,
    trigger: Trigger,
    target: int,
    indices: np.ndarray,
    classes: int,
) -> PoisonedSplit:
    """Copy `train`, with the trigger and the target's label on the images at `indices`.

    Args:
        train: the training set before the trigger is applied.
        trigger: applied to the chosen images.
        target: their new label, or `NEXT_CLASS`. In a clean-label attack it is their label
            already.
        indices: int64 [k].
        classes: number of classes.
    """
    images, labels = np.array(train.images), np.array(train.labels)
    if len(indices):
        images[indices] = trigger(images[indices])
    labels[indices] = target_labels(labels[indices], target, classes)
    return PoisonedSplit(Split(images, labels), indices, np.empty(0, np.int64))


def add_cross_samples(
    poisoned: PoisonedSplit, trigger: CrossSampledTrigger, each: float, rng: np.random.Generator
) -> PoisonedSplit:
    """Turn randomly chosen clean images into cross-samples, in place; their labels stay.

    Args:
        poisoned: the training set so far; its images are overwritten.
        trigger: makes the cross-samples.
        each: cross-samples per poisoned image; at most all clean images are used.
        rng: source of the choice.
    """
    free = np.setdiff1d(np.arange(len(poisoned.split)), poisoned.indices)
    count = min(round(each * len(poisoned.indices)), len(free))
    if not count:
        return poisoned
    chosen = np.sort(rng.choice(free, count, replace=False))
    images = poisoned.split.images
    images[chosen] = trigger.cross_samples(images[chosen], rng)
    return dataclasses.replace(poisoned, cross_samples=chosen)
