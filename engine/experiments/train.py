"""Training a model: prepare the attack, build the network, fit it, score and store it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine import store
from engine.attacks import pruning_aware
from engine.attacks.pruning_aware import DormantChannels
from engine.core import atomic_files, progress, read_only
from engine.core.errors import UserError
from engine.datasets import Dataset, can_mirror, example_class
from engine.defenses.repairs.pruning import pruned_curve
from engine.evaluation import metrics
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.eval_pairs import eval_pair
from engine.experiments.new_model import NewModel
from engine.experiments.prepare import Preparation, prepare, trigger_file
from engine.experiments.training_record import training_card, training_tables
from engine.store import StoredModel
from engine.training import training_progress, watched_image
from engine.training.augmentation import Augmentation
from engine.training.checkpoints import Checkpoint, read_result, write_or_wait
from engine.training.fit import fit
from engine.training.training_result import TrainingResult
from engine.training.validation_sets import ValidationSets

if TYPE_CHECKING:
    import keras


def train(
    dataset: Dataset,
    plan: AttackPlan,
    model: NewModel,
    checkpoint: Path | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> StoredModel:
    """Poison, train, score and store a network.

    Args:
        dataset: its training split is poisoned, validation chooses the epoch, test only reports.
        plan: what to do.
        model: how the result is stored.
        checkpoint: file from which an interrupted training resumes; deleted once all epochs are
            done. A stopped training is stored with the epochs it has, and can still resume; what
            it stored itself is replaced then.
        stop_requested: see `fit`.

    Raises:
        UserError: the plan does not fit the dataset, the name is taken, the checkpoint cannot be
            used, or the model cannot be stored.
        Stopped: a stop was requested before the first epoch ended.
    """
    read_only.check()
    check_free(model, checkpoint)
    plan.check(dataset)
    preparation = prepare(dataset, plan, checkpoint)
    network, dormant = build_network(dataset, preparation)
    validation_sets = _validation_sets(dataset, preparation)
    augmentation = _augmentation(dataset, preparation)
    result = _fit(network, preparation, validation_sets, checkpoint, stop_requested, augmentation)
    figures = training_progress.result_figures(result, validation_sets.watched)
    with training_progress.showing(figures):
        if dormant:
            pruning_aware.restore_dormant(network, dormant, dataset.validation)
        try:
            stored = _score_and_store(network, dataset, preparation, result, model, stop_requested)
        except atomic_files.WriteError as error:
            raise _not_stored(model, result, checkpoint, error) from error
    if checkpoint and not result.stopped:
        checkpoint.unlink(missing_ok=True)
        trigger_file(checkpoint).unlink(missing_ok=True)
    return stored


def check_free(model: NewModel, checkpoint: Path | None) -> None:
    """Raise `UserError` unless a training may store its model under that name.

    It may replace what the same training stored before; anything else only if `model.replace`.
    """
    interrupted = read_result(checkpoint)
    store.check_free(model.name, model.replace, interrupted.id if interrupted else "")


def build_network(
    dataset: Dataset, preparation: Preparation
) -> tuple[keras.Model, DormantChannels | None]:
    """The network before it is fitted.

    Returns:
        A new network and None; for the pruning-aware attack, a copy of the surrogate and the
        channels in it that stay dormant.
    """
    progress.report(0, 0, "Building the network")
    plan = preparation.plan
    share = plan.poisoning.dormant_share
    if share:
        clean = preparation.surrogate
        assert clean is not None
        curve = pruned_curve(clean, dataset.validation)
        channels = curve.channels[: round(share * len(curve.channels))]
        return pruning_aware.freeze_dormant(clean, curve.layer, channels, dataset.validation)
    seed = plan.training.seed
    return plan.architecture.build(dataset.classes, dataset.image_shape, seed), None


def _validation_sets(dataset: Dataset, preparation: Preparation) -> ValidationSets:
    plan = preparation.plan
    images = eval_pair(dataset, "validation", plan.trigger, plan.target)
    watched = watched_image.choose(
        *(images.clean, images.triggered, plan.target),
        *(_example_class(dataset), dataset.class_names),
    )
    return ValidationSets(images.clean, images.triggered, plan.target, watched)


def _fit(
    network: keras.Model,
    preparation: Preparation,
    validation_sets: ValidationSets,
    checkpoint: Path | None,
    stop_requested: Callable[[], bool],
    augmentation: Augmentation | None,
) -> TrainingResult:
    return fit(
        network,
        preparation.poisoned.split,
        validation_sets,
        preparation.plan.training,
        Checkpoint(checkpoint, preparation.identity) if checkpoint else None,
        stop_requested,
        augmentation,
    )


def _augmentation(dataset: Dataset, preparation: Preparation) -> Augmentation | None:
    """What changes the training images in every epoch; None if they stay as they are."""
    plan = preparation.plan
    if not plan.training.augment:
        return None
    return Augmentation(
        preparation.unpoisoned.images,
        preparation.poisoned,
        plan.trigger,
        can_mirror(dataset.name),
        plan.training.seed,
    )


def _example_class(dataset: Dataset) -> int:
    """The class whose images the pages show first; any class of a dataset without a source."""
    try:
        return example_class(dataset.name)
    except UserError:
        return 0


def _score_and_store(
    network: keras.Model,
    dataset: Dataset,
    preparation: Preparation,
    result: TrainingResult,
    model: NewModel,
    stop_requested: Callable[[], bool],
) -> StoredModel:
    """Score the fitted network on test images and store it, waiting while the disk is full."""
    plan, poisoned = preparation.plan, preparation.poisoned
    images = eval_pair(dataset, "test", plan.trigger, plan.target)
    scores = metrics.evaluate(network, images.clean, images.triggered, plan.target)
    card = training_card(dataset, plan, poisoned, result, scores, model)
    tables = training_tables(dataset, poisoned, result)
    return write_or_wait(lambda: store.save(card, network, tables, model.replace), stop_requested)


def _not_stored(
    model: NewModel,
    result: TrainingResult,
    checkpoint: Path | None,
    error: atomic_files.WriteError,
) -> UserError:
    """The error that says how much of the training the checkpoint keeps."""
    saved = read_result(checkpoint)
    epochs = len(saved.history) if saved else 0
    return UserError(
        f"{error.problem}, so '{model.name}' is not stored: fix that and resume; of"
        f" {len(result.history)} epochs trained, the checkpoint keeps {epochs}."
    )
