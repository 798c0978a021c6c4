"""How good a network is, how strong its backdoor, and how visible the trigger."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.core import progress
from engine.datasets.dataset import Split
from engine.evaluation.targets import target_labels
from engine.networks import architectures

if TYPE_CHECKING:
    import keras

    from engine.attacks.triggers import Trigger

METRICS = ("clean_accuracy", "attack_success", "recovered_accuracy")


@dataclass(frozen=True)
class Proportion:
    """A count out of a total, and its percentage."""

    count: int
    total: int

    @property
    def percent(self) -> float:
        """Count out of total in percent; NaN out of none."""
        return 100 * self.count / self.total if self.total else float("nan")


@dataclass(frozen=True)
class Scores:
    """The three figures that always stand together.

    Attributes:
        clean: clean images read as what they show.
        attack: triggered images, target class left out, read as the target class.
        recovered: the same images read as what they show.
    """

    clean: Proportion
    attack: Proportion
    recovered: Proportion

    def percentages(self) -> dict[str, float]:
        """The three figures in percent, under the names used in every table."""
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
    wanted: int | np.ndarray,
) -> Scores:
    """Scores from predictions.

    Args:
        clean_predictions, labels: int [n].
        triggered_predictions, triggered_labels: int [m]; true classes, none of them wanted.
        wanted: the class the backdoor leads to, or that of each triggered image, int [m].
    """
    return Scores(
        clean=Proportion(int(np.sum(clean_predictions == labels)), len(labels)),
        attack=Proportion(int(np.sum(triggered_predictions == wanted)), len(triggered_labels)),
        recovered=Proportion(
            int(np.sum(triggered_predictions == triggered_labels)), len(triggered_labels)
        ),
    )


def defence_effectiveness(before: Mapping[Any, float], after: Mapping[Any, float]) -> float:
    """DER (Zhu et al. 2023): from 0 to 1; 0.5 where nothing has changed, more where it helped.

    [max(0, fall of attack success) - max(0, fall of clean accuracy) + 1] / 2

    Args:
        before, after: the three figures in percent, of the network and of the repaired one.
    """
    attack = max(0.0, before["attack_success"] - after["attack_success"])
    clean = max(0.0, before["clean_accuracy"] - after["clean_accuracy"])
    return (attack / 100 - clean / 100 + 1) / 2


def verdict(scores: Mapping[Hashable, float]) -> str:
    """In one sentence, what has become of the backdoor."""
    if scores["attack_success"] > 50:
        return "The backdoor still works."
    if scores["recovered_accuracy"] > 50:
        return "The backdoor is weak, and most triggered images are read right again."
    return (
        "The backdoor is weak, but nothing is repaired:"
        " triggered images are still misread, only in other ways."
    )


def attackable_indices(split: Split, target: int) -> np.ndarray:
    """Indices (int64) of the images the attack is judged on: all but the target class.

    Where each class leads to the next one, that is all of them.
    """
    return np.flatnonzero(split.labels != target)


def poison_split(split: Split, trigger: Trigger, target: int) -> Split:
    """The victims of `split`, triggered, with their true labels."""
    chosen = split.take(attackable_indices(split, target))
    return Split(trigger(chosen.images), chosen.labels)


def predict(model: keras.Model, images: np.ndarray, batch: int = architectures.BATCH) -> np.ndarray:
    """Predicted class of each uint8 image: int64 [n]."""
    return np.concatenate(list(_predictions(model, images, batch)))


def _predictions(model: keras.Model, images: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    run = architectures.compiled(model)
    for part in architectures.batches(len(images), batch):
        yield run(architectures.scale(images[part])).argmax(axis=1)


def correctly_classified(model: keras.Model, split: Split) -> np.ndarray:
    """Which of a split's images are read as what they show: bool [n]."""
    right = np.zeros(len(split), bool)
    done = 0
    for read in _predictions(model, split.images, architectures.BATCH):
        part = slice(done, done + len(read))
        right[part] = read == split.labels[part]
        done += len(read)
        progress.report(done, len(split), "Judging on clean images")
    return right


def confusions(model: keras.Model, split: Split, class_names: Sequence[str]) -> pd.DataFrame:
    """What the images of each class are read as.

    Returns:
        A row for each pair that occurs: label, name, read_as, read_name, images, and
        share (percent of the class's images); commonest first, the right readings among them.
    """
    counts = np.zeros((len(class_names), len(class_names)), np.int64)
    done = 0
    for part in _predictions(model, split.images, architectures.BATCH):
        np.add.at(counts, (split.labels[done : done + len(part)], part), 1)
        done += len(part)
        progress.report(done, len(split), "Reading clean images")
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


def evaluate(model: keras.Model, clean: Split, triggered: Split, target: int) -> Scores:
    """Score `model` on a clean split and the triggered copy of its victims, with progress."""
    total = len(clean) + len(triggered)
    done = 0
    predictions: list[np.ndarray] = []
    for split, message in ((clean, "Reading clean images"), (triggered, "Reading triggered ones")):
        parts = []
        for part in _predictions(model, split.images, architectures.BATCH):
            parts.append(part)
            done += len(part)
            progress.report(done, total, message)
        predictions.append(np.concatenate(parts))
    wanted = target_labels(triggered.labels, target, model.output_shape[-1])
    return score(predictions[0], clean.labels, predictions[1], triggered.labels, wanted)


@dataclass(frozen=True)
class Fidelity:
    """How far triggered images are from clean ones.

    Attributes:
        psnr: mean peak signal-to-noise ratio over the images, dB; above 40 is hard to see.
        ssim: mean structural similarity, 1 for identical images (Wang et al. 2004).
        largest_change: largest change of any channel of any pixel, grey levels (0 to 255).
    """

    psnr: float
    ssim: float
    largest_change: int


def fidelity(clean: np.ndarray, triggered: np.ndarray) -> Fidelity:
    """Compare two uint8 arrays [n, height, width, 3] image by image, n at least 1.

    An image that did not change has no PSNR: the mean is over those that did, infinite if none.
    """
    from skimage.metrics import structural_similarity

    difference = triggered.astype(np.int16) - clean
    error = np.mean(difference.astype(np.float64) ** 2, axis=(1, 2, 3))
    changed = error > 0
    psnr = 10 * np.log10(255**2 / error[changed])
    ssim = [
        structural_similarity(
            a, b, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(clean, triggered, strict=True)
    ]
    mean = float(np.mean(psnr)) if changed.any() else float("inf")
    return Fidelity(mean, float(np.mean(ssim)), int(np.abs(difference).max()))
