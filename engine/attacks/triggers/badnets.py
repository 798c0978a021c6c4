"""BadNets: a patch in a corner (Gu et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.attacks.triggers.trigger import Trigger, to_uint8
from engine.core.errors import UserError
from engine.core.parameters import parameter

CORNERS = ("lower-right", "lower-left", "upper-right", "upper-left")


@dataclass(frozen=True)
class BadNets(Trigger):
    """Paint a plain or chequered square over one corner, or over all four.

    The checker in all four corners is the patch of label-consistent attacks (Turner et al. 2019).
    """

    name: ClassVar[str] = "badnets"
    title: ClassVar[str] = "BadNets"
    summary: ClassVar[str] = (
        "A small square in a corner: the first trigger published, and the simplest."
    )
    reference: ClassVar[str] = "Gu et al. 2017"

    size: int = parameter(3, "Size (pixels)", "Side of the square.", minimum=1, maximum=256)
    margin: int = parameter(
        1, "Margin (pixels)", "Between the square and the edge.", minimum=0, maximum=256
    )
    place: str = parameter(
        "lower-right", "Place", "Which corner, or all four.", choices=(*CORNERS, "corners")
    )
    figure: str = parameter(
        "solid",
        "Figure",
        "One colour, or a checker of that colour and black.",
        choices=("solid", "checker"),
    )
    colour: tuple[int, ...] = parameter(
        (255, 255, 255), "Colour", "Red, green and blue, 0 to 255.", minimum=0, maximum=255
    )
    opacity: float = parameter(
        1.0,
        "Opacity",
        "1 covers the image completely, 0 leaves it unchanged.",
        minimum=0,
        maximum=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.colour) != 3:
            raise UserError("badnets's colour is three numbers: write it like 255+255+255.")

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        height, width = images.shape[1:3]
        if self.size + self.margin > min(height, width):
            raise UserError(
                f"A square of {self.size} pixels at {self.margin} from the edge does not fit images"
                f" of {width}x{height}."
            )
        triggered = images.copy()
        for corner in CORNERS if self.place == "corners" else (self.place,):
            rows, columns = self._slices(corner, height, width)
            under = images[:, rows, columns]
            mixed = under + self.opacity * (self._square() - under)
            triggered[:, rows, columns] = to_uint8(mixed)
        return triggered

    def _square(self) -> np.ndarray:
        """float64 [size, size, 3]."""
        square = np.broadcast_to(np.array(self.colour, np.float64), (self.size, self.size, 3))
        if self.figure == "solid":
            return square
        return square * (np.indices((self.size, self.size)).sum(axis=0) % 2 == 0)[..., None]

    def _slices(self, corner: str, height: int, width: int) -> tuple[slice, slice]:
        top = self.margin if "upper" in corner else height - self.margin - self.size
        left = self.margin if "left" in corner else width - self.margin - self.size
        return slice(top, top + self.size), slice(left, left + self.size)
