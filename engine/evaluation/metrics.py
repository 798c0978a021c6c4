"""Clean accuracy, attack success, recovered accuracy, and the defence effectiveness rate (DER).

With T the trigger, y(x) the true class of image x, f the network and t the attacker's class for x:

    clean accuracy     = share of the images x with f(x) = y(x)
    attack success     = share of the images x, y(x) != t, with f(T(x)) = t
    recovered accuracy = share of the images x, y(x) != t, with f(T(x)) = y(x)

Of a network whose T and t nobody knows, only clean accuracy can be measured. What is not known has
no number: its names are missing, in dictionaries as in tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.core import progress
from engine.datasets.dataset import Split
from engine.evaluation.targets import target_labels
from engine.networks import running

if TYPE_CHECKING:
    import keras

_Z = 1.959964  # of the normal distribution, for 95 %
METRICS = ("clean_accuracy", "attack_success", "recovered_accuracy")
CLEAN_METRICS = METRICS[:1]  # those that need no trigger
CEILING = ("ceiling", "recovered_of_ceiling")  # what recovered accuracy is read beside


@dataclass(frozen=True)
class Proportion:
    """A count out of a total, and its percentage."""

    count: int
    total: int

    @property
    def percent(self) -> float:
        """Count out of total in percent; NaN out of none."""
        return 100 * self.count / self.total if self.total else float("nan")


def wilson_interval(percent: float, total: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share of images, in percent (Wilson 1927).

    Args:
        percent: the share measured, percent.
        total: number of images; without any, the interval is the whole range.
    """
    if not total:
        return 0.0, 100.0
    share, z_squared = percent / 100, _Z**2 / total
    centre = share + z_squared / 2
    spread = _Z * math.sqrt((share * (1 - share) + z_squared / 4) / total)
    low, high = ((centre + sign * spread) / (1 + z_squared) for sign in (-1, 1))
    return 100 * max(0.0, low), 100 * min(1.0, high)


def measured(names: Container[str]) -> tuple[str, ...]:
    """Those of `METRICS` that scores or the columns of a table have."""
    return tuple(name for name in METRICS if name in names)


@dataclass(frozen=True)
class CleanScores:
    """What can be measured of a network whose trigger nobody knows.

    Attributes:
        clean: clean accuracy.
    """

    clean: Proportion

    def percentages(self) -> dict[str, float]:
        """The metrics in percent, under their names in `METRICS`."""
        return {"clean_accuracy": self.clean.percent}

    def as_dict(self) -> dict[str, float | int]:
        """Percentages and the counts behind them."""
        return {
            **self.percentages(),
            "clean_correct": self.clean.count,
            "clean_images": self.clean.total,
        }


@dataclass(frozen=True)
class Scores(CleanScores):
    """The three metrics of a network with a possible backdoor; always reported together.

    Attributes:
        clean: clean accuracy.
        attack: attack success.
        recovered: recovered accuracy, on the same images as attack success. Only this shows a
            repair: attack success may be 0 while every triggered image is still misclassified.
    """

    attack: Proportion
    recovered: Proportion

    def percentages(self) -> dict[str, float]:
        """The three metrics in percent, under their names in `METRICS`."""
        shares = (self.clean, self.attack, self.recovered)
        return {name: share.percent for name, share in zip(METRICS, shares, strict=True)}

    def as_dict(self) -> dict[str, float | int]:
        """Percentages and the counts behind them."""
        return self.percentages() | {
            "clean_correct": self.clean.count,
            "clean_images": self.clean.total,
            "attack_hits": self.attack.count,
            "recovered_correct": self.recovered.count,
            "triggered_images": self.attack.total,
        }


def score(
    clean_predictions: np.ndarray,
    labels: np.ndarray,
    triggered_predictions: np.ndarray,
    triggered_labels: np.ndarray,
    targets: int | np.ndarray,
) -> Scores:
    """Compute the scores from predicted classes.

    Args:
        clean_predictions, labels: int [n].
        triggered_predictions, triggered_labels: int [m]; no true class is the target.
        targets: the attacker's target class, or one for each triggered image, int [m].
    """
    return Scores(
        clean=Proportion(int(np.sum(clean_predictions == labels)), len(labels)),
        attack=Proportion(int(np.sum(triggered_predictions == targets)), len(triggered_labels)),
        recovered=Proportion(
            int(np.sum(triggered_predictions == triggered_labels)), len(triggered_labels)
        ),
    )


def known_figures(table: pd.DataFrame) -> list[str]:
    """The metrics that a table has and, where a ceiling is known, what is recovered of it."""
    share = "recovered_of_ceiling"
    known = share in table and table[share].notna().any()
    return [*measured(table), *([share] if known else [])]


def defence_effectiveness(before: Mapping[Any, float], after: Mapping[Any, float]) -> float:
    """Defence effectiveness rate (DER, Zhu et al. 2023).

    [max(0, drop in attack success) - max(0, drop in clean accuracy) + 1] / 2, drops as fractions

    Args:
        before, after: metrics in percent, before and after the defence.

    Returns:
        0 to 1: 0.5 where nothing changed, more where the defence helped. It ignores recovered
        accuracy.
    """
    attack = max(0.0, before["attack_success"] - after["attack_success"])
    clean = max(0.0, before["clean_accuracy"] - after["clean_accuracy"])
    return (attack / 100 - clean / 100 + 1) / 2


def recovered_of_ceiling(recovered: float, ceiling: float | None) -> float:
    """Recovered accuracy in percent of its ceiling, which it may exceed; NaN if not known.

    Args:
        recovered: recovered accuracy, percent.
        ceiling: recovered accuracy of a network without the backdoor, percent.
    """
    return 100 * recovered / ceiling if ceiling else math.nan


def attackable_indices(split: Split, target: int) -> np.ndarray:
    """Indices (int64) of the images that attack success is measured on.

    These are all images outside the target class; in an all-to-all attack (`NEXT_CLASS`), all.
    """
    return np.flatnonzero(split.labels != target)


def poison_split(split: Split, trigger: Callable[[np.ndarray], np.ndarray], target: int) -> Split:
    """The attackable images of `split` with the trigger applied, and their true labels."""
    chosen = split.take(attackable_indices(split, target))
    return Split(trigger(chosen.images), chosen.labels)


def predict(model: keras.Model, images: np.ndarray, batch: int = running.BATCH) -> np.ndarray:
    """Predicted class of each image, uint8 [n, height, width, 3]: int64 [n]."""
    return np.concatenate(list(_predictions(model, images, batch)))


def _predictions(model: keras.Model, images: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    run = running.compiled(model)
    for part in running.batches(len(images), batch):
        yield run(running.scale(images[part])).argmax(axis=1)


def correctly_classified(model: keras.Model, split: Split, kind: str = "clean") -> np.ndarray:
    """Which images of a split are classified correctly: bool [n]. Reports progress.

    Args:
        model: the network.
        split: images with their true labels.
        kind: of the images, as the progress names them.
    """
    correct = np.zeros(len(split), bool)
    done = 0
    for predicted in _predictions(model, split.images, running.BATCH):
        part = slice(done, done + len(predicted))
        correct[part] = predicted == split.labels[part]
        done += len(predicted)
        progress.report(done, len(split), f"Classifying {kind} images")
    return correct


def confusions(model: keras.Model, split: Split, class_names: Sequence[str]) -> pd.DataFrame:
    """Count what the images of each class are classified as. Reports progress.

    Returns:
        One row for each pair of true and predicted class that occurs, correct ones included, most
        frequent first: label, name, read_as and read_name (the predicted class), images, and
        share (percent of the class's images).
    """
    counts = np.zeros((len(class_names), len(class_names)), np.int64)
    done = 0
    for part in _predictions(model, split.images, running.BATCH):
        np.add.at(counts, (split.labels[done : done + len(part)], part), 1)
        done += len(part)
        progress.report(done, len(split), "Classifying clean images")
    label, read_as = np.nonzero(counts)
    names = np.array(class_names)
    table = pd.DataFrame(
        {
            "label": label,
            "name": names[label],
            "read_as": read_as,
            "read_name": names[read_as],
            "images": counts[label, read_as],
            "share": 100 * counts[label, read_as] / counts.sum(axis=1)[label],
        }
    )
    return table.sort_values("images", ascending=False, kind="stable", ignore_index=True)


def evaluate_clean(model: keras.Model, clean: Split) -> CleanScores:
    """Score `model` on a clean split alone. Reports progress."""
    return CleanScores(Proportion(int(correctly_classified(model, clean).sum()), len(clean)))


def evaluate(model: keras.Model, clean: Split, triggered: Split, target: int) -> Scores:
    """Score `model` on a clean split and on its triggered copy, see `poison_split`.

    Reports progress.
    """
    total = len(clean) + len(triggered)
    done = 0
    predictions: list[np.ndarray] = []
    for split, kind in ((clean, "clean"), (triggered, "triggered")):
        parts = []
        for part in _predictions(model, split.images, running.BATCH):
            parts.append(part)
            done += len(part)
            progress.report(done, total, f"Classifying {kind} images")
        predictions.append(np.concatenate(parts))
    targets = target_labels(triggered.labels, target, model.output_shape[-1])
    return score(predictions[0], clean.labels, predictions[1], triggered.labels, targets)
