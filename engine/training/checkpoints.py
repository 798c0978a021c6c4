"""Checkpoints: the state of a training on disk, from which it resumes exactly."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core import atomic_files, progress
from engine.core.errors import UserError
from engine.core.progress import Result
from engine.training.training_config import TrainingConfig
from engine.training.training_result import TrainingResult
from engine.training.training_steps import build_optimizer

if TYPE_CHECKING:
    import keras

# What NumPy, zipfile and json raise for a damaged file.
_UNREADABLE = (
    *(OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError),
    *(MemoryError, zipfile.BadZipFile, zlib.error, struct.error),
)


@dataclass(frozen=True)
class Checkpoint:
    """Where a training keeps its state, and which training that is.

    Attributes:
        path: an .npz file, always replaced as a whole.
        identity: what may not change when the training resumes, ready for JSON: data, trigger,
            `TrainingConfig.identity`.
    """

    path: Path
    identity: Mapping[str, Any]


class TrainingState:
    """Everything a training needs to continue as if it had never been interrupted.

    Attributes:
        network: trained in place.
        optimizer: with its moments and step count.
        result: the history so far.
    """

    def __init__(
        self,
        network: keras.Model,
        config: TrainingConfig,
        images: int,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """The state at the beginning, or that of the checkpoint if its file exists.

        Args:
            network: with its initial weights.
            config: decides the optimizer.
            images: number of training images.
            checkpoint: see `save`.

        Raises:
            UserError: the file belongs to a training with other settings or cannot be read.
        """
        self.network = network
        self.optimizer = build_optimizer(network, config, images)
        self.result = TrainingResult()
        self._best = network.get_weights()
        if checkpoint and checkpoint.path.exists():
            self._load(checkpoint)

    def end_epoch(self) -> None:
        """Keep the weights if the epoch just added to the history is the best so far."""
        if self.result.last_is_best():
            self.result.epoch_kept = len(self.result.history)
            self._best = self.network.get_weights()

    def restore_best(self) -> None:
        """Give the network the weights of the epoch kept."""
        self.network.set_weights(self._best)

    def _variables(self) -> list[Any]:
        # Those of the network include the state of dropout's random generators.
        return [*self.network.variables, *self.optimizer.variables]

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the state to the checkpoint's file.

        Raises:
            atomic_files.WriteError: the file cannot be written.
        """
        header = {"identity": checkpoint.identity, "result": asdict(self.result)}
        arrays = {f"variable{i}": np.asarray(v) for i, v in enumerate(self._variables())}
        arrays |= {f"best{i}": weights for i, weights in enumerate(self._best)}
        with atomic_files.new_file(checkpoint.path) as aside, aside.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]

    def _load(self, checkpoint: Checkpoint) -> None:
        try:
            with np.load(checkpoint.path, allow_pickle=False) as stored:
                arrays = dict(stored)
            header = json.loads(str(arrays["header"]))
            if header["identity"] != json.loads(json.dumps(checkpoint.identity)):
                raise UserError(
                    f"{checkpoint.path} belongs to a training with other settings:"
                    " choose another name, or delete it to start afresh."
                )
            for index, variable in enumerate(self._variables()):
                variable.assign(arrays[f"variable{index}"])
            self._best = [arrays[f"best{index}"] for index in range(len(self._best))]
            self.result = TrainingResult(**header["result"] | {"stopped": False})
        except _UNREADABLE as error:
            raise UserError(
                f"The checkpoint {checkpoint.path} cannot be read: delete it to start afresh."
            ) from error


def read_result(path: Path | None) -> TrainingResult | None:
    """The history in a checkpoint's file; None if there is no file that can be read."""
    try:
        if path is None or not path.exists():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return TrainingResult(**json.loads(str(stored["header"]))["result"])
    except _UNREADABLE:
        return None


def write_or_wait(
    write: Callable[[], Result],
    stop_requested: Callable[[], bool],
    report: Callable[[str], None] = lambda message: progress.report(0, 0, message),
) -> Result:
    """Return what `write` returns; wait and try again while the disk is full or the like.

    Args:
        write: writes something, or raises `atomic_files.WriteError`.
        stop_requested: ends the wait.
        report: reports a message.

    Raises:
        atomic_files.WriteError: a stop was requested before the write succeeded.
    """
    return progress.retry(
        write,
        atomic_files.WriteError,
        stop_requested,
        lambda error: report(f"Paused until this is fixed: {error.problem}"),
    )
