"""The image that the pages look at: a test image, or a picture of the visitor's own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class ChosenImage:
    """One image at the size that the model in use takes.

    Attributes:
        key: what tells it from every other image: the dataset or "own", the side in pixels, and
            the index in the test split or the picture's identifier.
        clean: uint8 [side, side, 3].
        label: its true class; None if nobody said.
        name: of that class; of the file if there is no label.
    """

    key: tuple[str, int, int | str]
    clean: np.ndarray = field(repr=False, compare=False)
    label: int | None
    name: str

    @property
    def is_own(self) -> bool:
        """Whether it is the visitor's own picture."""
        return self.key[0] == OWN


OWN = "own"
