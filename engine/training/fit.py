"""Fitting a network, with progress, checkpoints and resumption."""

from __future__ import annotations

import json
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import numpy as np

from engine.core import atomic_files, progress
from engine.core.errors import UserError
from engine.core.progress import Progress, Result, Stopped
from engine.datasets.dataset import Split
from engine.evaluation import metrics
from engine.evaluation.targets import target_labels
from engine.networks import architectures

if TYPE_CHECKING:
    import keras

STEPS_PER_CALL = 8  # batches trained between two looks at the stop request

INTERIM_MEASUREMENTS = 30  # rough scores during a whole training, for those who watch
INTERIM_IMAGES = 128  # validation images of each kind that they are made from
RISING = 0.25  # share of a one-cycle training in which the learning rate rises

_UNREADABLE = (
    *(OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError),
    *(MemoryError, zipfile.BadZipFile, zlib.error, struct.error),
)

Row = dict[str, float]
Schedule = Literal["constant", "one-cycle"]
SCHEDULES: tuple[Schedule, ...] = ("constant", "one-cycle")


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is fitted; the defaults are the paper's (section 3.1).

    Attributes:
        epochs: passes over the training set; the paper leaves their number open.
        batch: images a step.
        learning_rate: Adam's; the highest it gets.
        schedule: "constant", or "one-cycle": a linear rise over the first quarter of the steps,
            then a cosine fall to nothing (after Smith and Topin 2018).
        seed: decides initial weights, dropout and the order of images.
    """

    epochs: int = 30
    batch: int = 64
    learning_rate: float = 5e-4
    schedule: Schedule = "constant"
    seed: int = 0

    def __post_init__(self) -> None:
        _check_between("number of epochs", self.epochs, 1, 10_000)
        _check_between("batch", self.batch, 1, 65_536)
        _check_between("learning rate", self.learning_rate, 1e-9, 10)
        _check_between("seed", self.seed, 0, 2**31 - 1)
        if self.schedule not in SCHEDULES:
            raise UserError(
                f"There is no schedule '{self.schedule}': choose from {', '.join(SCHEDULES)}."
            )

    def identity(self) -> dict[str, Any]:
        """What must be the same for an interrupted training to go on.

        A constant learning rate can be kept up for more epochs; a cycle has its length.
        """
        settings = asdict(self)
        if self.schedule == "constant":
            del settings["epochs"]
        return settings


def _check_between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(f"The {name} must lie between {low:g} and {high:g}, not at {value:g}.")


@dataclass(frozen=True)
class ValidationSets:
    """The validation images a network is judged on after each epoch.

    Attributes:
        clean: clean images; these alone choose the epoch kept.
        triggered: triggered images of other classes than the target, with their true labels.
        target: the class the backdoor leads to.
    """

    clean: Split
    triggered: Split
    target: int


@dataclass
class Training:
    """What has come of a training so far.

    Attributes:
        history: a row an epoch: epoch (from 1), loss, train_accuracy, seconds, and the three
            scores on validation; accuracies and scores in percent.
        interim_metrics: rough scores on a few validation images within the epochs, to watch and for
            nothing else: epoch (a fraction), clean_accuracy, attack_success.
        epoch_kept: the epoch whose weights are kept; 0 before the first has ended.
        stopped: whether it was asked to stop before the last epoch.
        id: tells this training from every other, also of the same settings.
    """

    history: list[Row] = field(default_factory=list)
    interim_metrics: list[Row] = field(default_factory=list)
    epoch_kept: int = 0
    stopped: bool = False
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class Checkpoint:
    """Where a training keeps its state, and which training that is.

    Attributes:
        path: an .npz file; written aside and moved into place.
        identity: what must be the same for the training to go on, ready for JSON: data,
            trigger, `TrainingConfig.identity`.
    """

    path: Path
    identity: Mapping[str, Any]


def fit(
    network: keras.Model,
    train: Split,
    judges: ValidationSets,
    settings: TrainingConfig,
    checkpoint: Checkpoint | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> Training:
    """Fit `network` in place; it ends with the weights of the epoch kept.

    The epoch kept is the first with the highest clean accuracy on validation.

    Args:
        network: as built by `networks`, from floats 0 to 1 to probabilities.
        train: the training set, poisoned or not.
        judges: what the network is judged on after each epoch.
        settings: see `TrainingConfig`.
        checkpoint: where the state is kept after each epoch; if it is there already, training
            goes on from it and ends with the weights it would have had without interruption.
        stop_requested: asked every few steps; once true, the epoch under way is given up.

    While the checkpoint cannot be written, the training waits and tries again, unless it is
    asked to stop; then the checkpoint stays at the epoch before.

    Raises:
        UserError: the images do not fit the network, or the checkpoint belongs to another
            training or cannot be read.
        Stopped: it was asked to stop before the first epoch ended.
    """
    architectures.check_fits(network, train.images.shape[1:], network.output_shape[-1])
    state = _State(network, settings, len(train))
    if checkpoint and checkpoint.path.exists():
        state.restore(checkpoint)
    result = state.result
    train_steps = _compiled_steps(network, state.optimizer, train)
    glimpse = _InterimMetrics(network, judges)
    pace = _Pace(len(result.history) * len(train), settings.epochs * len(train))
    for epoch in range(len(result.history) + 1, settings.epochs + 1):
        started = time.monotonic()
        loss_and_hits = np.zeros(2)
        for indices in _index_blocks(len(train), settings, epoch):
            if stop_requested():
                result.stopped = True
                break
            with pace.timing(indices.size):
                loss_and_hits += train_steps(indices)
            if pace.done * INTERIM_MEASUREMENTS >= pace.total * (len(result.interim_metrics) + 1):
                seen = pace.done - (epoch - 1) * len(train)
                row = {
                    "epoch": round(pace.done / len(train), 3),
                    "loss": float(loss_and_hits[0]) / max(seen, 1),
                    **glimpse.scores(),
                }
                result.interim_metrics.append(row)
            pace.report(f"Epoch {epoch} of {settings.epochs}", result)
        if result.stopped:
            break
        pace.report(f"Epoch {epoch} of {settings.epochs}: validation", result)
        with progress.rewording(lambda event: pace.event(event.message, result)):
            scores = _judge(network, judges)
        loss, hits = loss_and_hits / len(train)
        result.history.append(
            {"epoch": epoch, "loss": float(loss), "train_accuracy": 100 * float(hits)}
            | {"seconds": time.monotonic() - started}
            | scores.percentages()
        )
        state.epoch_ended()
        if checkpoint:
            try:
                written(
                    partial(state.save, checkpoint),
                    stop_requested,
                    lambda message: pace.report(message, result),
                )
            except atomic_files.WriteError:
                result.stopped = True
                break
        pace.report(f"Epoch {epoch} of {settings.epochs} done", result)
    if not result.history:
        raise Stopped("Stopped before the first epoch ended: there is no network to keep yet.")
    state.put_best_back()
    return result


def written(
    write: Callable[[], Result],
    stop_requested: Callable[[], bool],
    report: Callable[[str], None] = lambda message: progress.report(0, 0, message),
) -> Result:
    """What `write` returns; while there is no room on the disk, the training pauses.

    Args:
        write: writes something, or raises `atomic_files.WriteError`.
        stop_requested: ends the pause; the error is raised then.
        report: reports a message.
    """
    return progress.retry(
        write,
        atomic_files.WriteError,
        stop_requested,
        lambda error: report(f"Paused, and going on once this is put right: {error.problem}"),
    )


def read_progress(path: Path | None) -> Training | None:
    """How far the training of a checkpoint has come; None if there is none that can be read."""
    try:
        if path is None or not path.exists():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return Training(**json.loads(str(stored["header"]))["result"])
    except _UNREADABLE:
        return None


def one_epoch(network: keras.Model, train: Split, settings: TrainingConfig) -> Callable[[], None]:
    """A function that trains for the first epoch and looks at nothing: for benchmarks."""
    steps = _compiled_steps(network, _State(network, settings, len(train)).optimizer, train)

    def run() -> None:
        for indices in _index_blocks(len(train), settings, epoch=1):
            steps(indices)

    return run


class _InterimMetrics:
    """Rough scores on the same few validation images each time."""

    def __init__(self, network: keras.Model, judges: ValidationSets) -> None:
        self.run = architectures.compiled(network)
        self.clean, self.triggered = (_few(split) for split in (judges.clean, judges.triggered))
        self.wanted = target_labels(self.triggered.labels, judges.target, network.output_shape[-1])

    def scores(self) -> Row:
        """Clean accuracy and attack success in percent."""
        clean, triggered = (
            self.run(architectures.scale(split.images)).argmax(axis=1)
            for split in (self.clean, self.triggered)
        )
        return {
            "clean_accuracy": 100 * float(np.mean(clean == self.clean.labels)),
            "attack_success": 100 * float(np.mean(triggered == self.wanted)),
        }


def _few(split: Split) -> Split:
    count = min(INTERIM_IMAGES, len(split))
    return split.take(np.linspace(0, len(split) - 1, count).astype(int))


def learning_rate(settings: TrainingConfig, images: int) -> Any:
    """What Keras's optimizers take for a learning rate."""
    from keras.optimizers.schedules import CosineDecay

    if settings.schedule == "constant":
        return settings.learning_rate
    steps = settings.epochs * -(-images // settings.batch)
    rising = max(1, round(RISING * steps))
    return CosineDecay(
        0.0, max(1, steps - rising), warmup_target=settings.learning_rate, warmup_steps=rising
    )


def _judge(network: keras.Model, judges: ValidationSets) -> metrics.Scores:
    return metrics.evaluate(network, judges.clean, judges.triggered, judges.target)


def _index_blocks(count: int, settings: TrainingConfig, epoch: int) -> Iterator[np.ndarray]:
    """The epoch's order of images as int64 [steps, batch]; a last smaller batch comes alone.

    The order depends on seed and epoch alone, so that a resumed epoch repeats it.
    """
    order = np.random.default_rng([settings.seed, epoch]).permutation(count)
    whole = count - count % settings.batch
    steps = order[:whole].reshape(-1, settings.batch)
    for start in range(0, len(steps), STEPS_PER_CALL):
        yield steps[start : start + STEPS_PER_CALL]
    if whole < count:
        yield order[whole:][np.newaxis]


def _compiled_steps(
    network: keras.Model, optimizer: Any, train: Split
) -> Callable[[np.ndarray], np.ndarray]:
    """A function that trains on the batches of an index block; returns summed loss and hits."""
    import keras
    import tensorflow as tf

    all_images, all_labels = tf.constant(np.asarray(train.images)), tf.constant(train.labels)
    loss_of = keras.losses.SparseCategoricalCrossentropy(reduction="sum")
    variables = network.trainable_variables

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int64)],
        jit_compile=False,
    )
    def run(blocks: Any) -> Any:
        totals = tf.zeros(2)
        for indices in blocks:
            labels = tf.gather(all_labels, indices)
            images = tf.cast(tf.gather(all_images, indices), tf.float32) / 255
            with tf.GradientTape() as tape:
                probabilities = network(images, training=True)
                loss = loss_of(labels, probabilities)
                mean = loss / tf.cast(tf.size(labels), tf.float32)
                objective = tf.add_n([mean, *network.losses])
            optimizer.apply(tape.gradient(objective, variables), variables)
            hits = tf.reduce_sum(
                tf.cast(tf.equal(tf.argmax(probabilities, axis=1), labels), tf.float32)
            )
            totals += tf.stack([loss, hits])
        return totals

    return lambda blocks: run(blocks).numpy()


class _State:
    """Everything a training needs to go on as if nothing had happened."""

    def __init__(self, network: keras.Model, settings: TrainingConfig, images: int) -> None:
        from keras.optimizers import Adam

        self.network = network
        self.settings = settings
        self.optimizer = Adam(learning_rate(settings, images))
        self.optimizer.build(network.trainable_variables)
        self.result = Training()
        self.best = network.get_weights()

    def epoch_ended(self) -> None:
        """Keep the weights if clean accuracy on validation is the highest so far."""
        history = self.result.history
        if all(history[-1]["clean_accuracy"] > row["clean_accuracy"] for row in history[:-1]):
            self.result.epoch_kept = len(history)
            self.best = self.network.get_weights()

    def put_best_back(self) -> None:
        """Give the network the weights of the epoch kept."""
        self.network.set_weights(self.best)

    def _variables(self) -> list[Any]:
        # Those of the network include the state of dropout's random generators.
        return [*self.network.variables, *self.optimizer.variables]

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the state aside and move it into place."""
        header = {"identity": checkpoint.identity, "result": asdict(self.result)}
        arrays = {f"v{i}": np.asarray(v) for i, v in enumerate(self._variables())}
        arrays |= {f"best{i}": weights for i, weights in enumerate(self.best)}
        with atomic_files.new_file(checkpoint.path) as aside, aside.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up the state that `save` wrote."""
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
                variable.assign(arrays[f"v{index}"])
            self.best = [arrays[f"best{index}"] for index in range(len(self.best))]
            self.result = Training(**header["result"] | {"stopped": False})
        except _UNREADABLE as error:
            raise UserError(
                f"The checkpoint {checkpoint.path} cannot be read: delete it to start afresh."
            ) from error


class _Pace:
    """Images trained, how fast, and the time left."""

    def __init__(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self.here, self.seconds = 0, 0.0
        self.started = time.monotonic()

    @contextmanager
    def timing(self, images: int) -> Iterator[None]:
        """Count `images` more, trained within the block."""
        started = time.monotonic()
        yield
        self.seconds += time.monotonic() - started
        self.here += images
        self.done += images

    def report(self, message: str, result: Training) -> None:
        """Report where the training stands."""
        event = self.event(message, result)
        progress.report(event.done, event.total, event.message, event.figures)

    def event(self, message: str, result: Training) -> Progress:
        """Where the training stands."""
        figures: dict[str, Any] = {
            "history": list(result.history),
            "interim_metrics": list(result.interim_metrics),
        }
        if self.here:
            # Time left counts everything, validation too; the speed is that of training alone.
            elapsed = time.monotonic() - self.started
            figures["images_per_second"] = round(self.here / self.seconds, 1)
            figures["seconds_left"] = round((self.total - self.done) * elapsed / self.here, 1)
        return Progress(self.done, self.total, message, figures)
