"""MM-BD: a backdoor's target class reaches a larger margin than any other class (Wang et al. 2024).

The method needs no images: whatever the trigger is, training on it teaches the network that the
target class may win by far, and gradient ascent from random images finds how far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import stats

from engine.core import progress
from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.detectors.detector import Detection, Detector
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

FEWEST_CLASSES = 4  # three margins are the least that a gamma distribution is fitted to
BATCH = 128  # images at once, so that memory does not grow with the number of classes
FIRST_STEP = 0.3  # root mean square of the change of values 0 to 1; it shrinks to zero evenly
MOMENTUM = 0.2
STEPS_PER_REPORT = 10


@dataclass(frozen=True)
class MarginDetection(Detection):
    """What MM-BD found; scores are the largest margin of each class, in logits.

    Attributes:
        p_value: of the largest margin, 0 to 1; see `outlier_p_values`.
    """

    p_value: float = 1.0

    def describe(self, class_names: tuple[str, ...]) -> str:
        """The finding in one sentence."""
        first = class_names[int(self.scores.argmax())]
        found = f"the largest margin is that of {first}, {self.scores.max():.3g} {self.unit}"
        chance = f"p = {self.p_value:.2g}"
        if not self.flagged:
            return f"No class stands out: {found}, which fits the other classes ({chance})."
        return f"{first} stands out: {found}, far above the other classes ({chance})."

    def details(self) -> dict[str, Any]:
        """The finding for a card, ready for JSON."""
        return {**super().details(), "p_value": self.p_value}


@dataclass(frozen=True)
class MMBD(Detector):
    """Compare the largest margin that each class can reach on any image.

    From random images, gradient ascent enlarges the logit of a class minus the largest of the
    others. A gamma distribution is fitted to the classes' margins without the largest; the class
    with the largest is flagged if it is an outlier of that distribution.

    The paper takes 300 plain steps on 30 images of each class. Here every gradient is scaled to
    the same size, so that fewer steps cross the whole range of values, and different starts end
    close to each other.

    The fit does not allow for the largest margin having been left out, so clean networks get a
    small p more often than p says, the more so the fewer classes they have.
    """

    name: ClassVar[str] = "mm-bd"
    title: ClassVar[str] = "Maximum margin (MM-BD)"
    summary: ClassVar[str] = (
        "Searches random images for the largest margin by which each class can win; a class that"
        " wins by far more than the rest is flagged. It uses no images of yours."
    )
    reference: ClassVar[str] = "Wang et al. 2024"

    images: int = parameter(
        4, "Images", "Random images that the search starts from, for each class.", minimum=1
    )
    steps: int = parameter(60, "Steps", "Steps of gradient ascent on each image.", minimum=2)
    p_value: float = parameter(
        0.05,
        "p-value",
        "The class with the largest margin is flagged if its p-value is below this.",
        minimum=0.0,
        maximum=1.0,
    )
    seed: int = parameter(
        0, "Seed", "The same seed starts from the same images.", minimum=0, maximum=2**31 - 1
    )

    def __call__(self, network: keras.Model, images: Split) -> MarginDetection:
        """See `Detector.__call__`; the images are not looked at.

        Raises:
            UserError: the network has fewer than four classes, or no logits.
        """
        classes = network.output_shape[-1]
        if classes < FEWEST_CLASSES:
            raise UserError(
                f"MM-BD compares at least {FEWEST_CLASSES} classes, and the network has {classes}:"
                " choose another detector."
            )
        margins = self._largest_margins(network, images.images.shape[1:], classes)
        largest = int(margins.argmax())
        p_value = float(outlier_p_values(margins)[largest])
        flagged = (largest,) if p_value < self.p_value else ()
        return MarginDetection(scores=margins, unit="logits", flagged=flagged, p_value=p_value)

    def _largest_margins(
        self, network: keras.Model, shape: tuple[int, ...], classes: int
    ) -> np.ndarray:
        """The largest margin found for each class, float64 [classes]."""
        slope = _compile(network, shape)
        labels = np.repeat(np.arange(classes), self.images)
        starts = range(0, len(labels), BATCH)
        total = len(starts) * self.steps
        rng = np.random.default_rng(self.seed)
        reached = np.empty(len(labels))
        for number, start in enumerate(starts):
            chosen = labels[start : start + BATCH]
            values = rng.uniform(0, 1, (len(chosen), *shape)).astype(np.float32)
            best = self._ascend(slope, values, chosen, number * self.steps, total)
            reached[start : start + BATCH] = best
        return reached.reshape(classes, self.images).max(axis=1)

    def _ascend(
        self,
        slope: Callable[..., tuple[np.ndarray, np.ndarray]],
        values: np.ndarray,
        labels: np.ndarray,
        done: int,
        total: int,
    ) -> np.ndarray:
        """The largest margin on the way up from each image, float64 [n].

        Reports progress from `done` steps on, out of `total`.
        """
        best = np.full(len(labels), -np.inf)
        speed = np.zeros_like(values)
        for step in range(self.steps):
            margins, gradient = slope(values, labels)
            best = np.maximum(best, margins)
            norms = np.sqrt((gradient**2).mean(axis=(1, 2, 3), keepdims=True))
            speed = MOMENTUM * speed + gradient / np.where(norms > 0, norms, 1)
            length = FIRST_STEP * (1 - step / self.steps)
            values = np.clip(values + length * speed, 0, 1).astype(np.float32)
            if (step + 1) % STEPS_PER_REPORT == 0 or step + 1 == self.steps:
                progress.report(done + step + 1, total, "Enlarging the margins")
        return best


def outlier_p_values(margins: np.ndarray) -> np.ndarray:
    """How unlikely margins as large as each are among so many classes: float64 [classes], 0 to 1.

    A gamma distribution F with a location is fitted to all margins but the largest, and
    p = 1 - F(margin)^classes.

    Args:
        margins: of each class, float64 [classes].
    """
    others = np.sort(margins.astype(np.float64))[:-1]
    if np.ptp(others) <= 1e-9 * max(1.0, abs(float(others[0]))):  # nothing to fit
        return np.where(np.isclose(margins, others[-1]), 1.0, 0.0)
    shape, location, scale = stats.gamma.fit(others)
    beyond = stats.gamma.sf(margins, shape, location, scale)
    with np.errstate(divide="ignore"):
        p_values: np.ndarray = -np.expm1(len(margins) * np.log1p(-beyond))
    return p_values


def _compile(
    network: keras.Model, shape: tuple[int, ...]
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A function from images float32 [n, ...] and labels int64 [n] to margins and gradients."""
    import tensorflow as tf

    logits = logits_network(network)
    signature = [tf.TensorSpec([None, *shape], tf.float32), tf.TensorSpec([None], tf.int64)]

    @tf.function(input_signature=signature, jit_compile=False)
    def run(values: Any, labels: Any) -> Any:
        def total() -> Any:
            scores = logits(values, training=False)
            own = tf.one_hot(labels, scores.shape[-1], on_value=True, off_value=False)
            others = tf.where(own, scores.dtype.min, scores)
            wanted = tf.gather(scores, labels, batch_dims=1)
            margins = wanted - tf.reduce_max(others, axis=1)
            return tf.reduce_sum(margins), margins

        (_, margins), gradient = loss_and_gradients(total, values)
        return margins, gradient

    def slope(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        margins, gradient = run(values, labels)
        return margins.numpy().astype(np.float64), gradient.numpy()

    return slope
