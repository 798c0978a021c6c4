"""What every trigger is."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from engine.parameters import Configurable


@dataclass(frozen=True)
class Trigger(Configurable):
    """Turns clean images into triggered ones; its fields are its parameters."""

    @abstractmethod
    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Triggered copies of `images`.

        Args:
            images: uint8 [n, height, width, 3], RGB.

        Returns:
            uint8 [n, height, width, 3]; `images` itself is left as it is.

        Raises:
            LabError: the parameters do not fit images of this size.
        """
