"""Augmentation: training images shifted and mirrored at random, anew in every epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.attacks.poisoning import PoisonedSplit
from engine.attacks.triggers import CrossSampledTrigger, Trigger
from engine.imaging.random_shift import random_shift

REACH = 3  # pixels by which an image is shifted at most, along either axis


@dataclass(frozen=True)
class Augmentation:
    """Changes the training images at random, and poisons them only then.

    An attacker adds the trigger to what the network sees, so it is not shifted or mirrored with an
    image.

    Attributes:
        images: uint8 [n, height, width, 3], as they are before the trigger is applied.
        poisoned: says which of them are poisoned.
        trigger: applied to those.
        mirrors: whether half of the images are mirrored, left to right.
        seed: decides, with the epoch, how each image is changed.
    """

    images: np.ndarray
    poisoned: PoisonedSplit
    trigger: Trigger
    mirrors: bool
    seed: int

    def __call__(self, epoch: int) -> np.ndarray:
        """The images of an epoch: uint8 [n, height, width, 3], in their usual order."""
        rng = np.random.default_rng([self.seed, epoch, 1])  # apart from the order of the images
        images = random_shift(self.images, REACH, rng)(np.arange(len(self.images)))
        if self.mirrors:
            mirrored = rng.random(len(images)) < 0.5
            images[mirrored] = images[mirrored, :, ::-1]
        chosen, cross_sampled = self.poisoned.indices, self.poisoned.cross_samples
        if len(chosen):
            images[chosen] = self.trigger(images[chosen])
        if len(cross_sampled) and isinstance(self.trigger, CrossSampledTrigger):
            images[cross_sampled] = self.trigger.cross_samples(images[cross_sampled], rng)
        return images
