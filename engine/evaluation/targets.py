"""What an attack wants triggered images read as: one class, or each class as the next."""

from __future__ import annotations

import numpy as np

NEXT_CLASS = -1  # in place of a target class: all-to-all (Gu et al. 2017, section 4.2)
NEXT_NAME = "the next class"


def target_labels(labels: np.ndarray, target: int, classes: int) -> np.ndarray:
    """The class each triggered image shall be read as: int64 [n].

    Args:
        labels: int [n], true classes.
        target: a class, or `NEXT_CLASS`.
        classes: how many there are; the last one's next is the first.
    """
    if target == NEXT_CLASS:
        return (np.asarray(labels, np.int64) + 1) % classes
    return np.full(len(labels), target, np.int64)
