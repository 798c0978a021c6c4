"""The contract of a trigger, and helpers that several triggers share."""

from __future__ import annotations

import zlib
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.parameters import Parameterized


@dataclass(frozen=True)
class Trigger(Parameterized):
    """Turns clean images into triggered ones; its fields are its parameters.

    The result for an image depends on the fields and on that image alone, not on the other images
    in the batch or on earlier calls. The text on a model card therefore describes it completely.

    Attributes:
        summary: what it does, in one sentence.
        reference: where it was published.
        cross_samples_each: cross-samples per poisoned image that its authors train on; see
            `CrossSampledTrigger`.
    """

    required: ClassVar[tuple[str, ...]] = ("name", "title", "summary", "reference")
    summary: ClassVar[str]
    reference: ClassVar[str]
    cross_samples_each: ClassVar[float] = 0.0

    @property
    def ready(self) -> bool:
        """Whether it can be applied; a `LearnedTrigger` must be learned first."""
        return True

    @abstractmethod
    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Triggered copies of `images`.

        Args:
            images: uint8 [n, height, width, 3], RGB.

        Returns:
            uint8 [n, height, width, 3]; `images` is not changed.

        Raises:
            UserError: the parameters do not fit images of this size.
        """


@dataclass(frozen=True)
class CrossSampledTrigger(Trigger):
    """A trigger whose authors also train on cross-samples: images that carry nearly the trigger.

    They keep their true labels, so that the network learns to react to this trigger and no other.
    """

    @abstractmethod
    def cross_samples(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Copies of `images` that carry nearly the trigger.

        Args:
            images: uint8 [n, height, width, 3], RGB.
            rng: decides how they differ from the trigger.

        Returns:
            uint8 [n, height, width, 3].
        """


def image_hashes(images: np.ndarray, seed: int) -> np.ndarray:
    """A 32-bit hash of each image's pixels: int64 [n].

    Args:
        images: uint8 [n, height, width, 3].
        seed: changes all hashes.
    """
    return np.array([zlib.crc32(image.tobytes(), seed) for image in images], np.int64)


def from_other_images(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images in a random order in which none keeps its place (unless there is only one)."""
    order = rng.permutation(len(images))
    mixed = np.empty_like(images)
    mixed[order] = images[np.roll(order, 1)]
    return mixed


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Round and clip to 0 to 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
