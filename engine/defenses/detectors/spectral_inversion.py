"""Spectral trigger inversion: the faintest pattern in the frequency domain for each class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy import fft

from engine.core import progress
from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.detectors.detector import Detection, Detector
from engine.imaging import colour, dct
from engine.networks.gradients import loss_and_gradients

if TYPE_CHECKING:
    import keras

FAINTEST, LOUDEST = 65, 27  # dB of PSNR; one dB louder at each step
FLAG_MARGIN = 8.0  # dB by which the flagged class's pattern is fainter than the median class's
BATCH = 48
GOAL = 0.9  # share of a batch that a pattern must send to the class
PACE, MOMENTUM = 0.14, 0.8  # of the descent, in units of the norm allowed
SHARPENING = 80  # steps in which the flagged class's pattern is made sparse
SHARPENED_AT_ONCE = 8  # steps between two reports


@dataclass(frozen=True)
class SpectralDetection(Detection):
    """What the spectral inversion found; scores are PSNR in dB.

    The score of a class is the PSNR of the faintest pattern that sends images of other classes
    there, `LOUDEST` if none did; the higher, the fainter the pattern. At most one class is flagged.
    `pattern` belongs to the class with the highest score.
    """

    @property
    def flagged_class(self) -> int | None:
        """The flagged class, if any."""
        return self.flagged[0] if self.flagged else None

    def evidence(self, class_names: tuple[str, ...]) -> pd.DataFrame:
        """A row per class, the faintest pattern first: label, name, psnr_db, flagged."""
        return super().evidence(class_names).rename(columns={"score": "psnr_db"})

    def describe(self, class_names: tuple[str, ...]) -> str:
        """The finding in one sentence."""
        first = int(self.scores.argmax())
        if not self.flagged:
            return (
                f"No class stands out: the pattern that leads to {class_names[first]} is the"
                f" faintest, but only {self.margin:.0f} dB fainter than the median class's."
            )
        return (
            f"{class_names[first]} stands out: a pattern of {self.scores[first]:.0f} dB leads"
            f" there, {self.margin:.0f} dB fainter than the median class's."
        )

    def details(self) -> dict[str, Any]:
        """The finding for a card, ready for JSON."""
        return {
            "flagged_class": self.flagged_class,
            "perturbation_psnr": self.scores.round(2).tolist(),
            "fainter_by": round(self.margin, 2),
        }


@dataclass(frozen=True)
class SpectralInversion(Detector):
    """Search for the faintest pattern that leads to each class, among DCT coefficients.

    Neural Cleanse (Wang et al. 2019) searches the smallest patch that sends every image to a class,
    and flags the class that needs the smallest. A frequency trigger is no patch: here the pattern
    consists of DCT coefficients of Y, U and V, and grows until it succeeds.
    """

    name: ClassVar[str] = "spectral-inversion"
    title: ClassVar[str] = "Spectral trigger inversion"
    summary: ClassVar[str] = (
        "For each class, the faintest pattern in the frequency domain that sends other images"
        " there is searched; a class that needs a much fainter one than the rest is flagged."
    )
    reference: ClassVar[str] = "after Wang et al. 2019"

    seed: int = parameter(
        0, "Seed", "The same seed looks at the same images.", minimum=0, maximum=2**31 - 1
    )

    def __call__(self, network: keras.Model, images: Split) -> SpectralDetection:
        """See `Detector.__call__`.

        Raises:
            UserError: images of fewer than two classes.
        """
        if len(np.unique(images.labels)) < 2:
            raise UserError("The detector needs clean images of at least two classes.")
        search = _Search(network, images, np.random.default_rng(self.seed))
        psnr, faintest = _search_all(search, network.output_shape[-1])
        flagged = flag_class(psnr)
        if flagged is None:
            return SpectralDetection(psnr, "dB", (), faintest)
        pattern = _sharpen(search, flagged, faintest, len(psnr))
        return SpectralDetection(psnr, "dB", (flagged,), pattern)


def flag_class(psnr: np.ndarray) -> int | None:
    """The class whose pattern is much fainter than the median class's, if there is one.

    The margin is in dB, not in units of the median absolute deviation as in Neural Cleanse: on a
    clean network hardly any class can be reached at all, the deviation is zero, and every class
    would stand out.

    Args:
        psnr: dB, float64 [classes].
    """
    first = int(np.argmax(psnr))
    return first if psnr[first] - np.median(psnr) >= FLAG_MARGIN else None


def pattern_table(pattern: np.ndarray) -> pd.DataFrame:
    """A pattern's coefficients: channel (Y, U or V), row, column, size in grey levels.

    Args:
        pattern: float32 [3, height, width].
    """
    planes, rows, columns = np.indices(pattern.shape).reshape(3, -1)
    return pd.DataFrame(
        {
            "channel": np.array(colour.CHANNELS["YUV"])[planes],
            "row": rows,
            "column": columns,
            "size": pattern.ravel().round(3),
        }
    )


def _search_all(search: _Search, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The PSNR of each class's faintest pattern, float64 [classes], and the faintest of all."""
    psnr = np.zeros(classes)
    faintest = np.zeros((3, *search.shape[:2]), np.float32)
    for label in range(classes):
        psnr[label], pattern = search.grown(label)
        if label == 0 or psnr[label] > psnr[:label].max():
            faintest = pattern
        shown = [round(float(value), 2) for value in psnr]
        total = classes + SHARPENING // SHARPENED_AT_ONCE
        progress.report(label + 1, total, "Inverting each class", {"perturbation_psnr": shown})
    return psnr, faintest


def _sharpen(search: _Search, label: int, pattern: np.ndarray, classes: int) -> np.ndarray:
    """The flagged class's pattern, made sparse."""
    rounds = SHARPENING // SHARPENED_AT_ONCE
    for number in range(rounds):
        pattern = search.sharpened(label, pattern, SHARPENED_AT_ONCE)
        progress.report(classes + number + 1, classes + rounds, "Recovering the pattern")
    return pattern


def norm_at_psnr(decibels: float, shape: tuple[int, ...]) -> float:
    """L2 norm, grey levels, of a change of that PSNR to an image of `shape`."""
    return float(255 / 10 ** (decibels / 20) * np.sqrt(np.prod(shape)))


def perturbation_norm(pattern: np.ndarray) -> float:
    """L2 norm of what one pattern [3, height, width] adds to an image, grey levels."""
    return float(np.linalg.norm(dct.inverse(pattern)))


class _Search:
    """Gradient ascent on a pattern, for one class after the other."""

    def __init__(self, network: keras.Model, images: Split, rng: np.random.Generator) -> None:
        self.images, self.rng = images, rng
        self.shape = tuple(images.images.shape[1:])
        self.slope = success_and_gradient(network, self.shape)

    def grown(self, label: int) -> tuple[float, np.ndarray]:
        """The PSNR (dB) at which a pattern first leads to `label`, and the pattern."""
        others = np.flatnonzero(self.images.labels != label)
        pattern = np.zeros((3, *self.shape[:2]), np.float32)
        speed = np.zeros_like(pattern)
        for decibels in range(FAINTEST, LOUDEST, -1):
            reached, gradient = self.slope(self._some(others, BATCH), pattern, label)
            if reached >= GOAL:
                return _decibels(pattern), pattern
            allowed = norm_at_psnr(decibels, self.shape)
            speed = MOMENTUM * speed + gradient / (np.linalg.norm(gradient) or 1.0)
            pattern = pattern - PACE * allowed * speed
            pattern *= min(1.0, allowed / (perturbation_norm(pattern) or 1.0))
        return float(LOUDEST), pattern

    def sharpened(self, label: int, pattern: np.ndarray, steps: int) -> np.ndarray:
        """The pattern with most coefficients gone, and still leading to `label`.

        Proximal gradient steps: down the loss, then every coefficient nearer to zero; a
        harder pull while the pattern succeeds, a gentler one while it does not.
        """
        others = np.flatnonzero(self.images.labels != label)
        for _ in range(steps):
            reached, gradient = self.slope(self._some(others, 2 * BATCH), pattern, label)
            size = float(np.linalg.norm(pattern))
            if reached < GOAL:
                gradient = gradient / (np.linalg.norm(gradient) or 1.0)
                pattern = pattern - 0.1 * size * gradient
            else:
                pull = 0.02 * np.abs(pattern).max()
                pattern = np.sign(pattern) * np.maximum(np.abs(pattern) - pull, 0)
        return pattern

    def _some(self, places: np.ndarray, count: int) -> np.ndarray:
        chosen = self.rng.choice(places, min(count, len(places)), replace=False)
        return self.images.images[np.sort(chosen)]


def success_and_gradient(
    network: keras.Model, shape: tuple[int, ...]
) -> Callable[[np.ndarray, np.ndarray, int], tuple[float, np.ndarray]]:
    """A function that tells, of uint8 images with a pattern on them, the share read as a label
    and the gradient of the cross-entropy to that label, by coefficient."""
    import tensorflow as tf

    signature = [
        tf.TensorSpec([None, *shape], tf.uint8),
        tf.TensorSpec(shape, tf.float32),
        tf.TensorSpec([], tf.int64),
    ]

    @tf.function(input_signature=signature, jit_compile=False)
    def run(images: Any, change: Any, label: Any) -> Any:
        def cross_entropy() -> Any:
            seen = tf.clip_by_value(tf.cast(images, tf.float32) + change, 0, 255) / 255
            read = network(seen, training=False)
            return -tf.reduce_mean(tf.math.log(tf.maximum(read[:, label], 1e-7))), read

        (_, read), gradient = loss_and_gradients(cross_entropy, change)
        reached = tf.reduce_mean(tf.cast(tf.argmax(read, axis=1) == label, tf.float32))
        return reached, gradient

    # A pattern's gradient follows from that of its picture by the transposed transform.
    back = np.linalg.inv(colour.YUV)

    def slope(images: np.ndarray, pattern: np.ndarray, label: int) -> tuple[float, np.ndarray]:
        reached, gradient = run(images, tf.constant(dct.inverse(pattern)), np.int64(label))
        planes = np.moveaxis(gradient.numpy() @ back, -1, 0)
        return float(reached), fft.dctn(planes, axes=(1, 2), norm="ortho").astype(np.float32)

    return slope


def _decibels(pattern: np.ndarray) -> float:
    """PSNR of what a pattern adds, before limits and rounding; `FAINTEST` for nothing."""
    norm, pixels = perturbation_norm(pattern), pattern.size
    return min(float(FAINTEST), 20 * np.log10(255 * np.sqrt(pixels) / norm)) if norm else FAINTEST
