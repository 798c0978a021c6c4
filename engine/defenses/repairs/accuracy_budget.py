"""The budget of a repair: how much clean accuracy it may cost, and with which confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

AS_MEASURED = 50.0  # percent: the drop counts as measured


@dataclass(frozen=True)
class AccuracyBudget:
    """The drop in clean accuracy that is allowed, measured on a sample of images.

    Attributes:
        points: the drop, percentage points.
        confidence: percent, from 50; of the upper limit that must stay within `points`.
    """

    points: float
    confidence: float = AS_MEASURED

    def allows(self, before: np.ndarray, after: np.ndarray, tracks: np.ndarray) -> bool:
        """Whether the drop stays within the budget.

        Args:
            before, after: bool [n], which images are classified correctly.
            tracks: int64 [n], see `tracks_of`.
        """
        return self.upper_limit(before, after, tracks) <= self.points + 1e-9

    def upper_limit(self, before: np.ndarray, after: np.ndarray, tracks: np.ndarray) -> float:
        """One-sided upper confidence limit of the drop, percentage points.

        Tracks are the sampled units, because frames of one object are classified alike. The drop
        is a ratio of sums over tracks, with the standard error of a ratio (Cochran 1977, chapter
        6). Losses are few and large, so that error alone would give a limit that is exceeded too
        often: a correction for positive skewness is added (Johnson 1978). With a single track
        there is no error, and the drop counts as measured.

        Args:
            before, after: bool [n], which images are classified correctly.
            tracks: int64 [n], see `tracks_of`.
        """
        lost = before.astype(float) - after
        drop = float(lost.mean())
        deviations = np.bincount(tracks, lost - drop) * (tracks.max() + 1) / len(lost)
        if self.confidence == AS_MEASURED or not deviations.any():
            return 100 * drop
        z = NormalDist().inv_cdf(self.confidence / 100)
        variance = np.sum(deviations**2) / (len(deviations) - 1)
        skewed = max(0.0, float(np.mean(deviations**3))) / (6 * variance * len(deviations))
        return 100 * (drop + z * math.sqrt(variance / len(deviations)) + (1 + 2 * z * z) * skewed)


DEFAULT_BUDGET = AccuracyBudget(1.0)
