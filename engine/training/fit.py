"""Fitting a network: epochs of training and validation, until the last one or a stop request."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from engine.core import atomic_files
from engine.core.progress import Stopped
from engine.datasets.dataset import Split
from engine.networks import running
from engine.training.checkpoints import Checkpoint, TrainingState, write_or_wait
from engine.training.interim_metrics import INTERIM_MEASUREMENTS, InterimMetrics
from engine.training.training_config import TrainingConfig
from engine.training.training_progress import TrainingProgress
from engine.training.training_result import TrainingResult
from engine.training.training_steps import compile_steps, index_blocks
from engine.training.validation_sets import ValidationSets

if TYPE_CHECKING:
    import keras


def fit(
    network: keras.Model,
    train: Split,
    validation_sets: ValidationSets,
    config: TrainingConfig,
    checkpoint: Checkpoint | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
    draw_images: Callable[[int], np.ndarray] | None = None,
) -> TrainingResult:
    """Fit `network` in place; it ends with the weights of the epoch kept.

    The epoch kept is the first with the highest clean accuracy on validation.

    Args:
        network: as built by `architectures`, from floats 0 to 1 to probabilities.
        train: the training set, poisoned or not.
        validation_sets: what the network is evaluated on after each epoch.
        config: see `TrainingConfig`.
        checkpoint: where the state is saved after each epoch. If the file exists, training
            resumes from it and ends with the weights it would have had without interruption.
            While it cannot be written, training waits.
        stop_requested: asked every few steps; once true, the current epoch is abandoned.
        draw_images: gives the training images of an epoch, in the order of their labels; those of
            `train` in every epoch if left out.

    Raises:
        UserError: the images do not fit the network, or the checkpoint belongs to another
            training or cannot be read.
        Stopped: a stop was requested before the first epoch ended.
    """
    running.check_fits(network, train.images.shape[1:], network.output_shape[-1])
    state = TrainingState(network, config, len(train), checkpoint)
    result = state.result
    loop = _TrainingLoop(state, train, validation_sets, config, stop_requested, draw_images)
    for epoch in range(len(result.history) + 1, config.epochs + 1):
        if not (loop.run_epoch(epoch) and loop.save(checkpoint)):
            result.stopped = True
            break
        loop.progress.report(f"Epoch {epoch} of {config.epochs} done")
    if not result.history:
        raise Stopped("Stopped before the first epoch ended: there is no network to keep yet.")
    state.restore_best()
    return result


class _TrainingLoop:
    """The epochs of one call of `fit`."""

    def __init__(
        self,
        state: TrainingState,
        train: Split,
        validation_sets: ValidationSets,
        config: TrainingConfig,
        stop_requested: Callable[[], bool],
        draw_images: Callable[[int], np.ndarray] | None,
    ) -> None:
        self.state, self.train, self.config = state, train, config
        self.validation_sets, self.stop_requested = validation_sets, stop_requested
        self.draw_images = draw_images or (lambda _: train.images)
        self.train_steps = compile_steps(state.network, state.optimizer, config.precision)
        self.interim = InterimMetrics(state.network, validation_sets)
        done = len(state.result.history) * len(train)
        self.progress = TrainingProgress(
            state.result, done, config.epochs * len(train), validation_sets.watched
        )

    def run_epoch(self, epoch: int) -> bool:
        """Train and validate; false if a stop was requested, which discards the epoch."""
        started = time.monotonic()
        totals = self._train(epoch)
        if totals is None:
            return False
        self.progress.report(f"Epoch {epoch} of {self.config.epochs}: validation")
        with self.progress.replacing_reports():
            scores = self.validation_sets.evaluate(self.state.network)
        loss, correct = totals / len(self.train)
        self.state.result.history.append(
            {"epoch": epoch, "loss": float(loss), "train_accuracy": 100 * float(correct)}
            | {"seconds": time.monotonic() - started}
            | scores.percentages()
        )
        self.state.end_epoch()
        return True

    def _train(self, epoch: int) -> np.ndarray | None:
        """The epoch's summed loss and number of correct predictions; None if it was stopped."""
        totals, images = np.zeros(2), self.draw_images(epoch)
        for indices in index_blocks(len(self.train), self.config, epoch):
            if self.stop_requested():
                return None
            with self.progress.timing(indices.size):
                totals += self.train_steps(images[indices], self.train.labels[indices])
            self._measure_interim(epoch, float(totals[0]))
            self.progress.report(f"Epoch {epoch} of {self.config.epochs}")
        return totals

    def _measure_interim(self, epoch: int, loss: float) -> None:
        """Add interim metrics whenever another share of the whole training is done.

        Args:
            epoch: the current one.
            loss: summed over the images of the epoch so far.
        """
        done, total = self.progress.done, self.progress.total
        rows = self.state.result.interim_metrics
        if done * INTERIM_MEASUREMENTS < total * (len(rows) + 1):
            return
        images = done - (epoch - 1) * len(self.train)
        row = {"epoch": round(done / len(self.train), 3), "loss": loss / max(images, 1)}
        rows.append(row | self.interim.measure())
        if prediction := self.interim.watch():
            epoch_and_classes = {"epoch": row["epoch"], **prediction}
            self.state.result.watched_predictions.append(epoch_and_classes)

    def save(self, checkpoint: Checkpoint | None) -> bool:
        """Write the checkpoint, if there is one; false if a stop was requested before it could."""
        if checkpoint is None:
            return True
        try:
            write_or_wait(
                partial(self.state.save, checkpoint), self.stop_requested, self.progress.report
            )
        except atomic_files.WriteError:
            return False
        return True
