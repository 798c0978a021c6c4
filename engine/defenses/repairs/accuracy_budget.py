"""How much clean accuracy a repair may cost, and how sure one wants to be that it is no more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from engine.datasets.dataset import Split

AS_MEASURED = 50.0  # percent: the drop may as well be greater


@dataclass(frozen=True)
class AccuracyBudget:
    """A drop in clean accuracy that is borne, on images of which a sample is at hand.

    Attributes:
        points: the drop, percentage points.
        confidence: percent, from 50; how sure it must be that the drop is no greater.
    """

    points: float
    confidence: float = AS_MEASURED

    def allows(self, before: np.ndarray, after: np.ndarray, tracks: np.ndarray) -> bool:
        """Whether the drop keeps within the points, as surely as is asked for.

        Args:
            before, after: bool [n], the images read right.
            tracks: int64 [n], see `tracks_of`.
        """
        return self.upper_limit(before, after, tracks) <= self.points + 1e-9

    def upper_limit(self, before: np.ndarray, after: np.ndarray, tracks: np.ndarray) -> float:
        """One-sided upper confidence limit of the drop, percentage points.

        What is sampled are tracks: frames of one sign are read alike. The drop is a ratio of
        sums over tracks, and its error that of a ratio (Cochran 1977, chapter 6). Losses are few
        and large, so a limit from the error alone would be passed too often: skewness is
        added (Johnson 1978), where it is one of losses. Of a single track no error is known, and
        the drop is taken as measured.

        Args:
            before, after: bool [n], the images read right.
            tracks: int64 [n], see `tracks_of`.
        """
        lost = before.astype(float) - after
        drop = float(lost.mean())
        strays = np.bincount(tracks, lost - drop) * (tracks.max() + 1) / len(lost)
        if self.confidence == AS_MEASURED or not strays.any():
            return 100 * drop
        z = NormalDist().inv_cdf(self.confidence / 100)
        variance = np.sum(strays**2) / (len(strays) - 1)
        skewed = max(0.0, float(np.mean(strays**3))) / (6 * variance * len(strays))
        return 100 * (drop + z * math.sqrt(variance / len(strays)) + (1 + 2 * z * z) * skewed)


DEFAULT_BUDGET = AccuracyBudget(1.0)


def tracks_of(split: Split) -> np.ndarray:
    """The number of each image's track, from 0 without gaps: int64 [n]."""
    if split.tracks is None:
        return np.arange(len(split))
    pairs = np.stack([split.labels, split.tracks])  # told apart within a class only
    return np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1)
