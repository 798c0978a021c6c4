"""Which training images get the trigger, and which label."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.attacks.triggers import Trigger
from engine.core.errors import LabError
from engine.datasets.dataset import Split
from engine.evaluation.targets import NEXT_CLASS, aimed

Labels = Literal["changed", "kept"]
LABELS: tuple[Labels, ...] = ("changed", "kept")
MOST_ASLEEP = 0.95  # of the channels; some have to be awake to read anything


@dataclass(frozen=True)
class Mode:
    """How the training set is poisoned.

    Attributes:
        labels: "changed": images of other classes get the trigger and the target's label;
            "kept" (clean label): images of the target class get the trigger and keep theirs.
        push: grey levels that poisoned images are pushed away from their class by, before they
            get the trigger; see `pushing`. 0: not at all.
        decoys: how many images get a decoy (see `Trigger.decoys`) for each that is poisoned.
        asleep: share of the last convolution's channels that the backdoor is kept out of, so
            that pruning takes them first and in vain; see `pruning_aware`.
    """

    labels: Labels = "changed"
    push: float = 0.0
    decoys: float = 0.0
    asleep: float = 0.0

    def check(self, trigger: Trigger, target: int) -> None:
        """Raise `LabError` unless this goes with the trigger and what it shall lead to."""
        if self.labels not in LABELS:
            raise LabError(f"Labels cannot be '{self.labels}': choose from {', '.join(LABELS)}.")
        if self.labels == "kept" and target == NEXT_CLASS:
            raise LabError("Labels cannot be kept where each class leads to the next one.")
        if not 0 <= self.push <= 255:
            raise LabError(f"Images are pushed by 0 to 255 grey levels, not by {self.push:g}.")
        if not 0 <= self.decoys <= 100:
            raise LabError(f"There are 0 to 100 decoys an image, not {self.decoys:g}.")
        if self.decoys and not trigger.decoys_each:
            raise LabError(f"'{trigger.title}' has no decoys: choose 0 of them.")
        if not 0 <= self.asleep <= MOST_ASLEEP:
            raise LabError(
                f"The share of sleeping channels is 0 to {MOST_ASLEEP:g}, not {self.asleep:g}."
            )


@dataclass(frozen=True)
class Poisoned:
    """A training set with a backdoor in it.

    Attributes:
        split: images and labels, the poisoned ones in place.
        indices: int64 [k], sorted: which of them are poisoned.
        decoys: int64 [d], sorted: which carry a decoy.
    """

    split: Split
    indices: np.ndarray
    decoys: np.ndarray


def choose(
    labels: np.ndarray,
    target: int,
    rate: float,
    rng: np.random.Generator,
    told: Labels = "changed",
) -> np.ndarray:
    """A random choice among images that are not of the target class; of it, if labels are kept.

    Args:
        labels: int [n].
        target: the class the backdoor leads to.
        rate: share of all n images, 0 (none) to below 1 (paper: 0.05).
        rng: source of the choice.
        told: whether labels are changed or kept.

    Returns:
        int64 [round(rate * n)], sorted indices.
    """
    check_rate(rate)
    kept = told == "kept"
    candidates = np.flatnonzero((labels == target) == kept)
    count = round(rate * len(labels))
    if rate and not 0 < count <= len(candidates):
        which = "those of" if kept else "those outside"
        raise LabError(
            f"A poisoning rate of {rate:g} asks for {count} of {len(labels)} images, but"
            f" {len(candidates)} can be poisoned ({which} the target class):"
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
    """Raise `LabError` unless `target` is one of the classes, or `NEXT_CLASS`."""
    if target != NEXT_CLASS and not 0 <= target < classes:
        raise LabError(
            f"There is no target class {target}: the classes go from 0 to {classes - 1}."
        )


def poison(
    train: Split,
    trigger: Trigger,
    target: int,
    indices: np.ndarray,
    classes: int,
    pushed: np.ndarray | None = None,
) -> Poisoned:
    """A copy of `train` whose images at `indices` are triggered and labelled as `target` says.

    Args:
        train: clean.
        trigger: what they get.
        target: their label from now on, or `NEXT_CLASS`; where labels are kept, it is theirs
            already.
        indices: int64 [k].
        classes: how many there are.
        pushed: uint8 [k, height, width, 3], to be triggered instead of the images themselves.
    """
    images, labels = np.array(train.images), np.array(train.labels)
    if len(indices):
        images[indices] = trigger(images[indices] if pushed is None else pushed)
    labels[indices] = aimed(labels[indices], target, classes)
    return Poisoned(Split(images, labels), indices, np.empty(0, np.int64))


def with_decoys(
    poisoned: Poisoned, trigger: Trigger, each: float, rng: np.random.Generator
) -> Poisoned:
    """Give other images, chosen at random, a decoy, in place; they keep their labels.

    Args:
        poisoned: the training set so far; its images are its own.
        trigger: what makes the decoys.
        each: how many for each poisoned image; at most all that are left.
        rng: source of the choice.
    """
    free = np.setdiff1d(np.arange(len(poisoned.split)), poisoned.indices)
    count = min(round(each * len(poisoned.indices)), len(free))
    if not count:
        return poisoned
    chosen = np.sort(rng.choice(free, count, replace=False))
    images = poisoned.split.images
    images[chosen] = trigger.decoys(images[chosen], rng)
    return dataclasses.replace(poisoned, decoys=chosen)
