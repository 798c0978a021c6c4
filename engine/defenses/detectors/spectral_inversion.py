"""Is there a class that one faint pattern leads to, whatever an image shows?

Neural Cleanse (Wang et al. 2019) seeks the smallest patch that sends every image to a class, and
takes the class that needs least for the attacker's. A frequency trigger is no patch: here the
pattern is sought among the DCT coefficients of Y, U and V, and grows louder until it succeeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import fft

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets.dataset import Split
from engine.imaging import colour, dct

if TYPE_CHECKING:
    import keras

FAINTEST, LOUDEST = 65, 27  # dB of PSNR; one dB louder at each step
FLAG_MARGIN = 8.0  # dB that the accused class's pattern is fainter than the median class's
BATCH = 48
GOAL = 0.9  # share of a batch that a pattern must send to the class
PACE, MOMENTUM = 0.14, 0.8  # of the ascent, in units of the loudness allowed
SHARPENING = 80  # steps in which the accused class's pattern is made sparse


@dataclass(frozen=True)
class Detection:
    """What the screening found.

    Attributes:
        loudness: dB of PSNR, float64 [classes]: the faintest pattern that sent images of other
            classes there; higher is fainter. `LOUDEST` where none succeeded.
        accused: the class that stands out, or None.
        pattern: what leads to the class that needs least, as DCT coefficients of Y, U and V in
            grey levels: float32 [3, height, width].
    """

    perturbation_psnr: np.ndarray
    flagged_class: int | None
    pattern: np.ndarray

    @property
    def fainter_by(self) -> float:
        """How much fainter the faintest pattern is than the median class's, dB."""
        return float(self.perturbation_psnr.max() - np.median(self.perturbation_psnr))

    def evidence(self, class_names: tuple[str, ...]) -> pd.DataFrame:
        """A row a class, faintest pattern first: label, name, psnr_db, flagged."""
        table = pd.DataFrame(
            {
                "label": np.arange(len(self.perturbation_psnr)),
                "name": class_names,
                "psnr_db": self.perturbation_psnr.round(2),
                "flagged": np.arange(len(self.perturbation_psnr)) == self.flagged_class,
            }
        )
        return table.sort_values("psnr_db", ascending=False, kind="stable", ignore_index=True)

    def spectrum(self) -> pd.DataFrame:
        """The pattern's coefficients: channel (Y, U or V), row, column, size in grey levels."""
        planes, rows, columns = np.indices(self.pattern.shape).reshape(3, -1)
        return pd.DataFrame(
            {
                "channel": np.array(colour.CHANNELS["YUV"])[planes],
                "row": rows,
                "column": columns,
                "size": self.pattern.ravel().round(3),
            }
        )

    def describe(self, class_names: tuple[str, ...]) -> str:
        """The finding in one sentence."""
        least = int(self.perturbation_psnr.argmax())
        if self.flagged_class is None:
            return (
                f"No class stands out: the one that needs least, {class_names[least]}, needs a"
                f" pattern only {self.fainter_by:.0f} dB fainter than the median class."
            )
        return (
            f"{class_names[least]} stands out: a pattern of {self.perturbation_psnr[least]:.0f} dB"
            f" leads there, {self.fainter_by:.0f} dB fainter than the median class needs."
        )


def flag_class(perturbation_psnr: np.ndarray) -> int | None:
    """The class that needs a pattern much fainter than the median class, if there is one.

    Not in units of the median absolute deviation, as Neural Cleanse has it: on a clean network
    hardly any class can be reached at all, the deviation is zero, and everything stands out.
    """
    least = int(np.argmax(perturbation_psnr))
    return least if perturbation_psnr[least] - np.median(perturbation_psnr) >= FLAG_MARGIN else None


def screen(network: keras.Model, images: Split, seed: int = 0) -> Detection:
    """Seek the faintest pattern to each class, and make that of the faintest sparse.

    Args:
        network: from floats 0 to 1 to probabilities; left as it is.
        images: clean, with labels.
        seed: decides which images are looked at.

    Raises:
        UserError: images of fewer than two classes, so that nothing can be led anywhere.
    """
    classes = network.output_shape[-1]
    if len(np.unique(images.labels)) < 2:
        raise UserError("Screening needs clean images of at least two classes.")
    search = _Search(network, images, np.random.default_rng(seed))
    perturbation_psnr = np.zeros(classes)
    faintest = np.zeros((3, *images.images.shape[1:3]), np.float32)
    total = classes + SHARPENING // 8
    for label in range(classes):
        perturbation_psnr[label], pattern = search.grown(label)
        if label == 0 or perturbation_psnr[label] > perturbation_psnr[:label].max():
            faintest = pattern
        progress.report(
            label + 1,
            total,
            "Screening the classes",
            {"perturbation_psnr": _shown(perturbation_psnr)},
        )
    flagged_class = flag_class(perturbation_psnr)
    if flagged_class is not None:
        for number in range(SHARPENING // 8):
            faintest = search.sharpened(flagged_class, faintest, 8)
            progress.report(classes + number + 1, total, "Recovering the pattern")
    return Detection(perturbation_psnr, flagged_class, faintest)


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
        with tf.GradientTape() as tape:
            tape.watch(change)
            seen = tf.clip_by_value(tf.cast(images, tf.float32) + change, 0, 255) / 255
            read = network(seen, training=False)
            loss = -tf.reduce_mean(tf.math.log(tf.maximum(read[:, label], 1e-7)))
        reached = tf.reduce_mean(tf.cast(tf.argmax(read, axis=1) == label, tf.float32))
        return reached, tape.gradient(loss, change)

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


def _shown(perturbation_psnr: np.ndarray) -> list[float]:
    return [round(float(value), 2) for value in perturbation_psnr]
