"""Layers that join the outputs of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from engine.networks.numpy_layers.step import Config, Step


def join_by(operation: np.ufunc) -> Callable[[Config], Step]:
    """A layer that applies `operation` to the first and the second, the result and the third..."""

    def run(*values: np.ndarray) -> np.ndarray:
        found: np.ndarray = reduce(operation, _of_one_rank(values))
        return found

    return lambda _: run


def average(_: Config) -> Step:
    """The mean."""
    sums = join_by(np.add)(_)
    return lambda *values: sums(*values) / np.float32(len(values))


def concatenate(config: Config) -> Step:
    """One after the other, along an axis."""
    return lambda *values: np.concatenate(values, axis=config["axis"])


def _of_one_rank(values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays with as many axes as the one with the most: those missing stand behind the first."""
    axes = max(of.ndim for of in values)
    return [of.reshape(len(of), *[1] * (axes - of.ndim), *of.shape[1:]) for of in values]
