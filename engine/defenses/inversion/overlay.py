"""What patches and blends share: a picture that covers the image, more or less opaque."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from engine.defenses.inversion.family import Arrays, Family


@dataclass(frozen=True)
class Overlay(Family):
    """x' = (1 - m) x + m p with an opacity m and a picture p.

    The variables are their logits: of the opacity, [patterns, height or 1, width or 1, 1], and of
    the picture, [patterns, height, width, 3].
    """

    def apply(self, images: Any, variables: list[Any]) -> Any:
        """See `Family.apply`."""
        import tensorflow as tf

        opacity, picture = (tf.sigmoid(values)[:, None] for values in variables)
        return images + opacity * (255 * picture - images)

    def arrays(self, variables: list[np.ndarray]) -> Arrays:
        """See `Family.arrays`."""
        opacity, picture = (expit(values).astype(np.float32) for values in variables)
        mask = np.broadcast_to(opacity, (self.height, self.width, 1)).copy()
        return {"mask": mask, "picture": 255 * picture}
