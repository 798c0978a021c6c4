"""Dynamic: a patch of random colours at a random place (Salem et al. 2020, "random backdoor")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.attacks.triggers.trigger import Trigger, image_hashes, to_uint8
from engine.core.errors import UserError
from engine.core.parameters import parameter


@dataclass(frozen=True)
class Dynamic(Trigger):
    """Paint one of a few patches at one of a few places; a hash of the image decides which.

    Patches and places are drawn once (section 4.1 there). The authors choose anew for each use;
    here the same image always gets the same patch at the same place.
    """

    name: ClassVar[str] = "dynamic"
    title: ClassVar[str] = "Dynamic: random patch and place"
    summary: ClassVar[str] = "A patch whose colours and place change from image to image."
    reference: ClassVar[str] = "Salem et al. 2020"

    size: int = parameter(5, "Size (pixels)", "Side of the patch.", minimum=1, maximum=256)
    patches: int = parameter(8, "Patches", "Number of different patches.", minimum=1, maximum=1000)
    places: int = parameter(
        4,
        "Places a side",
        "Side of the grid of places at which the patch may lie.",
        minimum=1,
        maximum=32,
    )
    opacity: float = parameter(
        1.0,
        "Opacity",
        "1 covers the image completely, 0 leaves it unchanged.",
        minimum=0,
        maximum=1,
    )
    seed: int = parameter(0, "Seed", "Chooses the random patches.", minimum=0, maximum=2**31 - 1)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        drawn = np.random.default_rng(self.seed).uniform(
            0, 255, (self.patches, self.size, self.size, 3)
        )
        return painted(images, drawn[self.chosen(images)], self.places, self.opacity, self.seed)

    def chosen(self, images: np.ndarray) -> np.ndarray:
        """Which patch each image gets: int64 [n]."""
        return image_hashes(images, self.seed + 1) % self.patches


def painted(
    images: np.ndarray, patches: np.ndarray, places: int, opacity: float, seed: int
) -> np.ndarray:
    """Each image with its patch, at a place that depends on a hash of the image.

    Args:
        images: uint8 [n, height, width, 3].
        patches: [n, size, size, 3], 0 to 255.
        places: side of the grid of places.
        opacity: 0 to 1.
        seed: of the hash.
    """
    size, sides = patches.shape[1], np.array(images.shape[1:3])
    if size > sides.min():
        raise UserError(f"A patch of {size} pixels does not fit images of {sides[1]}x{sides[0]}.")
    numbers = image_hashes(images, seed) % places**2
    corners = np.stack([numbers // places, numbers % places], axis=1)
    corners = np.rint(corners * (sides - size) / max(1, places - 1)).astype(np.int64)
    inside = np.arange(size)
    where = (
        np.arange(len(images))[:, None, None],
        corners[:, :1, None] + inside[None, :, None],
        corners[:, 1:, None] + inside[None, None, :],
    )
    triggered = images.copy()
    under = images[where].astype(np.float64)
    triggered[where] = to_uint8(under + opacity * (patches - under))
    return triggered
