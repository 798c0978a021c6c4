"""Progress reports of a training: images done, speed, time left, and the metrics so far."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from engine.core import progress
from engine.core.progress import Progress
from engine.training.training_result import TrainingResult
from engine.training.watched_image import WatchedImage


def result_figures(result: TrainingResult, watched: WatchedImage | None) -> dict[str, Any]:
    """What a training has to show so far, ready for JSON.

    Args:
        result: with its history and its rough metrics.
        watched: the image that the recorded predictions belong to.
    """
    figures: dict[str, Any] = {
        "history": list(result.history),
        "interim_metrics": list(result.interim_metrics),
    }
    if watched:
        figures["watched_image"] = watched.record()
        figures["watched_predictions"] = list(result.watched_predictions)
    return figures


@contextmanager
def showing(figures: Mapping[str, Any]) -> Iterator[None]:
    """Within the block, events show these figures besides their own."""
    with progress.rewording(lambda event: replace(event, figures={**figures, **event.figures})):
        yield


class TrainingProgress:
    """Counts and times the images trained on.

    Attributes:
        done: images trained on so far, those before an interruption included.
        total: images of all epochs.
    """

    def __init__(
        self, result: TrainingResult, done: int, total: int, watched: WatchedImage | None = None
    ) -> None:
        self.done, self.total = done, total
        self._watched = watched
        self._result = result
        self._images, self._seconds = 0, 0.0  # since this process took over
        self._started = time.monotonic()

    @contextmanager
    def timing(self, images: int) -> Iterator[None]:
        """Count `images` more, trained on within the block."""
        started = time.monotonic()
        yield
        self._seconds += time.monotonic() - started
        self._images += images
        self.done += images

    def report(self, message: str) -> None:
        """Report how far the training has come."""
        event = self.event(message)
        progress.report(event.done, event.total, event.message, event.figures)

    @contextmanager
    def replacing_reports(self) -> Iterator[None]:
        """Within the block, reports of other work count images of the training instead."""
        with progress.rewording(lambda event: self.event(event.message)):
            yield

    def event(self, message: str) -> Progress:
        """How far the training has come."""
        figures = result_figures(self._result, self._watched)
        if self._images:
            # Time left counts everything, validation too; the speed is that of training alone.
            elapsed = time.monotonic() - self._started
            left = (self.total - self.done) * elapsed / self._images
            figures["images_per_second"] = round(self._images / self._seconds, 1)
            figures["seconds_left"] = round(left, 1)
        return Progress(self.done, self.total, message, figures)
