"""The part of a network after a cut: what it predicts as channels before the cut are pruned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engine.networks import running
from engine.networks.gradients import loss_and_gradients

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Features:
    """What a tail needs of a batch; as long as the batch.

    Attributes:
        values: of the channels that are pruned, float32 [n, ..., c].
        others: what else the tail takes, float32 [n, ...] each.
    """

    values: np.ndarray
    others: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def repeated(self, times: int) -> Features:
        """The batch several times over."""
        values, *others = (np.concatenate([part] * times) for part in (self.values, *self.others))
        return Features(values, tuple(others))


class Tail(Protocol):
    """The part of a network after the cut."""

    def predict_while_pruned(self, features: Features, channels: np.ndarray) -> np.ndarray:
        """Predicted classes before the first and after each pruned channel: int64 [c + 1, n].

        Args:
            features: of the block.
            channels: int [c], in the order they are pruned.
        """


class LinearTail:
    """Layers that are linear up to the logits: each pruned channel changes them by its own part.

    logits after k channels = logits before + sum over them of (pruned - value) . slopes

    `Features.others` are the logits before and, where it depends on the image, what the channels
    give when they are pruned.
    """

    PART = 64  # images at a time: their arrays fit in the processor's cache

    def __init__(self, slopes: np.ndarray) -> None:
        """Prepare for slopes float32 [classes, ..., c], see `slopes_of`."""
        classes, channels = len(slopes), slopes.shape[-1]
        slopes = slopes.reshape(classes, -1, channels)
        # Where all positions count alike, as before global pooling, their sum is enough.
        self.summed = bool((slopes == slopes[:, :1]).all())
        if self.summed:
            slopes = slopes[:, :1]
        self.slopes = np.ascontiguousarray(slopes.transpose(2, 1, 0))
        self.constants = np.zeros((1, 1, channels), np.float32)
        # Buffers for one part, reused: allocating them each time takes longer than the sums.
        self.changes = np.empty((channels, self.PART, slopes.shape[1]), np.float32)
        self.logits = np.empty((channels + 1, self.PART, classes), np.float32)

    def needed(self, values: Any) -> Any:
        """What is needed of a tensor [n, ..., c]: [n, positions, c], or the sum over positions."""
        import tensorflow as tf

        flat = tf.reshape(values, [tf.shape(values)[0], -1, values.shape[-1]])
        return tf.reduce_sum(flat, axis=1, keepdims=True) if self.summed else flat

    def fix(self, pruned: Any) -> None:
        """Let pruned channels give the same for every image: a tensor [1, ..., c]."""
        self.constants = self.needed(pruned).numpy()

    def predict_while_pruned(self, features: Features, channels: np.ndarray) -> np.ndarray:
        """See `Tail.predict_while_pruned`."""
        slopes = self.slopes[channels]
        predictions = np.empty((len(channels) + 1, len(features)), np.int64)
        untouched, *given = features.others
        for part in running.batches(len(features), self.PART):
            pruned = given[0][part] if given else self.constants
            pruned = np.ascontiguousarray(pruned.transpose(2, 0, 1)[channels])
            values = features.values[part]
            changes, logits = self.changes[:, : len(values)], self.logits[:, : len(values)]
            np.take(values.transpose(2, 0, 1), channels, axis=0, out=changes, mode="clip")
            np.subtract(pruned, changes, out=changes)
            logits[0] = untouched[part]
            np.matmul(changes, slopes, out=logits[1:])
            np.cumsum(logits, axis=0, out=logits)
            np.argmax(logits, axis=2, out=predictions[:, part])
        return predictions


def slopes_of(tail: keras.Model) -> np.ndarray:
    """How each logit grows with each value: float32 [classes, ..., c].

    Args:
        tail: linear; takes the values [n, ..., c] first.
    """
    import tensorflow as tf

    classes = tail.output_shape[-1]
    values, *others = (tf.zeros([classes, *tensor.shape[1:]]) for tensor in tail.inputs)

    def own_logits() -> Any:
        # One copy of the values for each class, so that a single gradient holds all slopes.
        return tf.linalg.trace(tail([values, *others], training=False))

    found: np.ndarray = loss_and_gradients(own_logits, values)[1].numpy()
    return found


class NetworkTail:
    """Any layers: run again at each step.

    `Features.values` are the block's output, `Features.others` what else the layers take.
    """

    def __init__(self, tail: keras.Model, pruned: np.ndarray) -> None:
        """Prepare.

        Args:
            tail: takes the block's output, then the others.
            pruned: the block's output where every channel is pruned, float32 [height, width, c].
        """
        import tensorflow as tf

        fixed = tf.constant(pruned)

        def predictions(values: Any, others: Any, gone: Any) -> Any:
            values = tf.where(gone, fixed, values)
            return tf.argmax(tail([values, *others], training=False), axis=1)

        values, *others = (
            tf.TensorSpec([None, *tensor.shape[1:]], tf.float32) for tensor in tail.inputs
        )
        self.run = tf.function(
            predictions,
            input_signature=[values, others, tf.TensorSpec([pruned.shape[-1]], tf.bool)],
            jit_compile=False,
        )

    def predict_while_pruned(self, features: Features, channels: np.ndarray) -> np.ndarray:
        """See `Tail.predict_while_pruned`."""
        import tensorflow as tf

        values, *others = (tf.constant(part) for part in (features.values, *features.others))
        gone = np.zeros(len(channels), bool)
        predictions = [self.run(values, others, gone).numpy()]
        for channel in channels:
            gone[channel] = True
            predictions.append(self.run(values, others, gone).numpy())
        return np.stack(predictions)
