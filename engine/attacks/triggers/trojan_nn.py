"""TrojanNN: a patch optimised to excite chosen neurons (Liu et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.attacks.triggers.artifacts import Arrays
from engine.attacks.triggers.learned import LearnedTrigger, Shape
from engine.attacks.triggers.trigger import to_uint8
from engine.core import progress
from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.networks import running
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import read_out

if TYPE_CHECKING:
    import keras

SAMPLE = 64  # images that the patch is optimised on
NEURONS = 2  # as published
STEPS, STEP = 200, 0.02  # of the gradient ascent; step size for colours from 0 to 1


@dataclass(frozen=True)
class TrojanNN(LearnedTrigger):
    """Paint a patch whose colours maximise two neurons of the last hidden layer.

    The neurons are those with the largest sum of absolute weights to the outputs (section IV
    there), among those that a patch at this place can change.
    """

    name: ClassVar[str] = "trojan-nn"
    title: ClassVar[str] = "TrojanNN"
    summary: ClassVar[str] = (
        "A patch whose colours are optimised to excite two neurons of a network."
    )
    reference: ClassVar[str] = "Liu et al. 2018"

    size: int = parameter(7, "Size (pixels)", "Side of the patch.", minimum=2, maximum=256)
    margin: int = parameter(
        1, "Margin (pixels)", "Distance from the lower right corner.", minimum=0, maximum=256
    )
    opacity: float = parameter(
        1.0,
        "Opacity",
        "1 covers the image completely, 0 leaves it unchanged.",
        minimum=0,
        maximum=1,
    )

    def shapes(self) -> Mapping[str, Shape]:
        """See `LearnedTrigger.shapes`."""
        return {"patch": (self.size, self.size, 3)}

    def learn(self, train: Split, target: int, network: keras.Model, seed: int) -> Arrays:
        """See `LearnedTrigger.learn`: the colours of the patch."""
        import tensorflow as tf

        del target  # the neurons are chosen by their weights to all outputs
        rng = np.random.default_rng(seed)
        some = rng.choice(len(train), min(SAMPLE, len(train)), replace=False)
        images = tf.constant(running.scale(train.images[np.sort(some)]))
        rows, columns = self._place(*train.images.shape[1:3])
        around = [[0, 0], [rows.start, images.shape[1] - rows.stop]]
        around += [[columns.start, images.shape[2] - columns.stop], [0, 0]]
        mask = tf.pad(tf.ones([1, self.size, self.size, 1]), around)

        def painted(patch: Any) -> Any:
            return images * (1 - mask) + tf.pad(patch[None], around) * mask

        dense, read = read_out(network)
        neurons = self._neurons(dense, read, images, painted, rng)
        patch = tf.Variable(rng.uniform(0, 1, (self.size, self.size, 3)).astype(np.float32))

        def excited() -> Any:
            values = read(painted(patch), training=False)
            return tf.reduce_mean(tf.gather(values, neurons, axis=1))

        @tf.function(jit_compile=False)
        def step() -> Any:
            _, slope = loss_and_gradients(excited, patch)
            patch.assign(tf.clip_by_value(patch + STEP * tf.sign(slope), 0, 1))

        for number in range(STEPS):
            step()
            progress.report(number + 1, STEPS, "Learning the patch")
        return {"patch": to_uint8(255 * patch.numpy())}

    def _neurons(
        self, dense: Any, read: Any, images: Any, painted: Any, rng: np.random.Generator
    ) -> np.ndarray:
        """The neurons with the largest weights among those that the patch can change: int64 [k]."""
        progress.report(0, 0, "Choosing neurons")
        noise = rng.uniform(0, 1, (self.size, self.size, 3)).astype(np.float32)
        before, after = (read(batch, training=False).numpy() for batch in (images, painted(noise)))
        moved = np.abs(after - before).mean(axis=0) > 1e-3
        kernel = np.asarray(dense.kernel)
        ties = np.where(moved, np.abs(kernel).sum(axis=1), -1)
        if not moved.any():
            raise UserError("The patch changes no neuron of this network: make it larger.")
        return np.argsort(-ties)[:NEURONS]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        patch = self.learned()["patch"].astype(np.float64)
        rows, columns = self._place(*images.shape[1:3])
        triggered = images.copy()
        under = images[:, rows, columns].astype(np.float64)
        triggered[:, rows, columns] = to_uint8(under + self.opacity * (patch - under))
        return triggered

    def _place(self, height: int, width: int) -> tuple[slice, slice]:
        if self.size + self.margin > min(height, width):
            raise UserError(
                f"A patch of {self.size} pixels does not fit images of {width}x{height}."
            )
        ends = height - self.margin, width - self.margin
        return slice(ends[0] - self.size, ends[0]), slice(ends[1] - self.size, ends[1])
