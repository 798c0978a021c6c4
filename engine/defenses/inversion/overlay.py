"""What patches and blends share: a picture that covers the image, more or less opaque."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit


def cover(images: Any, variables: list[Any]) -> Any:
    """Images under a picture.

    Args:
        images: float32 [patterns, n, height, width, 3], 0 to 255.
        variables: logits of the opacity [patterns, height or 1, width or 1, 1] and of the picture
            [patterns, height, width, 3].
    """
    import tensorflow as tf

    opacity, picture = (tf.sigmoid(values)[:, None] for values in variables)
    return images + opacity * (255 * picture - images)


def opacity_and_picture(variables: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Opacity [height, width, 1] from 0 to 1 and picture [height, width, 3] from 0 to 255."""
    opacity, picture = (expit(values).astype(np.float32) for values in variables)
    return np.broadcast_to(opacity, (*picture.shape[:2], 1)).copy(), 255 * picture
