"""The class an attacker wants triggered images classified as: one for all, or the next one."""

from __future__ import annotations

import numpy as np

NEXT_CLASS = -1  # in place of a target class: all-to-all (Gu et al. 2017, section 4.2)
NEXT_NAME = "the next class"


def target_labels(labels: np.ndarray, target: int, classes: int) -> np.ndarray:
    """The attacker's class for each triggered image: int64 [n].

    Args:
        labels: int [n], true classes.
        target: a class, or `NEXT_CLASS`.
        classes: the number of classes; the class after the last one is the first.
    """
    if target == NEXT_CLASS:
        return (np.asarray(labels, np.int64) + 1) % classes
    return np.full(len(labels), target, np.int64)
