"""What every trigger is."""

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

    What a trigger does to an image depends on its fields and on that image alone: not on the
    images beside it, nor on when it is called. So its text on a card says all there is to say.

    Attributes:
        idea: what it does, in one sentence.
        reference: where it was published.
        cross_samples_each: how many cross-samples (see `cross_samples`) its authors train on
            for each poisoned image.
    """

    required: ClassVar[tuple[str, ...]] = ("name", "title", "summary", "reference")
    summary: ClassVar[str]
    reference: ClassVar[str]
    cross_samples_each: ClassVar[float] = 0.0

    @property
    def ready(self) -> bool:
        """Whether it can be used, or has something to learn first (see `LearnedTrigger`)."""
        return True

    @abstractmethod
    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Triggered copies of `images`.

        Args:
            images: uint8 [n, height, width, 3], RGB.

        Returns:
            uint8 [n, height, width, 3]; `images` itself is left as it is.

        Raises:
            UserError: the parameters do not fit images of this size.
        """

    def cross_samples(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Copies that carry nearly the trigger; they are trained on with their true labels.

        They teach the network to obey this trigger and no other. Only triggers with
        `cross_samples_each` above 0 have any.

        Args:
            images: uint8 [n, height, width, 3].
            rng: decides in what they differ from the trigger.

        Returns:
            uint8 [n, height, width, 3].
        """
        raise NotImplementedError(f"{self.name} has no cross-samples")


def image_hashes(images: np.ndarray, seed: int) -> np.ndarray:
    """A number for each image, the same wherever and whenever it is met: int64 [n], 32 bits.

    Args:
        images: uint8 [n, height, width, 3].
        seed: another one gives other numbers.
    """
    return np.array([zlib.crc32(image.tobytes(), seed) for image in images], np.int64)


def from_other_images(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same images in another order, each at the place of another one (where there is one)."""
    order = rng.permutation(len(images))
    mixed = np.empty_like(images)
    mixed[order] = images[np.roll(order, 1)]
    return mixed


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Rounded and limited to 0 to 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
