"""Choose images at random for a split, by class and by track."""

from __future__ import annotations

import numpy as np

from engine.datasets.dataset import Split


def stratified(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Choose a random `share` of each class: at least one image if the class has two or more.

    Args:
        labels: int [n].
        share: 0 to 1.
        rng: source of the choice.

    Returns:
        bool [n], true for the chosen.
    """
    return by_track(labels, np.arange(len(labels)), share, rng)


def by_track(
    labels: np.ndarray, tracks: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Choose a random `share` of each class's tracks, so that no sign is in both splits.

    Args:
        labels: int [n].
        tracks: int [n]; numbers are told apart within a class only.
        share: 0 to 1.
        rng: source of the choice.

    Returns:
        bool [n], true for the chosen; at least one track of each class that has two, never all.
    """
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        own = np.unique(tracks[members])
        count = min(max(1, round(share * len(own))), len(own) - 1)
        chosen[members] = np.isin(tracks[members], rng.choice(own, count, replace=False))
    return chosen


def dealt(labels: np.ndarray, tracks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose half of the tracks by dealing them alternately, one class after the other.

    Args:
        labels: int [n].
        tracks: int [n]; numbers are told apart within a class only.
        rng: source of the order.

    Returns:
        bool [n], true for the tracks dealt first, third and so on.
    """
    chosen = np.zeros(len(labels), bool)
    turn = 0
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        own = rng.permutation(np.unique(tracks[members]))
        chosen[members] = np.isin(tracks[members], own[turn % 2 :: 2])
        turn += len(own)
    return chosen


def tracks_of(split: Split) -> np.ndarray:
    """The number of each image's track, from 0 without gaps: int64 [n]."""
    if split.tracks is None:
        return np.arange(len(split))
    pairs = np.stack([split.labels, split.tracks])  # numbers are unique within a class only
    return np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1)
