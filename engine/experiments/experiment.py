"""The steps joined: from a dataset to a trained model and its results."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine import store
from engine.attacks import pgd_perturbation, poisoning, pruning_aware
from engine.attacks.poisoning import PoisonedSplit
from engine.attacks.pruning_aware import DormantChannels
from engine.attacks.triggers import LearnedTrigger, Trigger, parse_trigger
from engine.core import atomic_files, progress
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses import activations
from engine.defenses.detectors import spectral_inversion
from engine.defenses.detectors.spectral_inversion import Detection
from engine.defenses.pruning.curve import Curve, EvalPair, trace
from engine.evaluation import metrics
from engine.evaluation.metrics import Scores
from engine.evaluation.targets import NEXT_CLASS
from engine.networks import architectures, untrusted
from engine.store import ModelCard, StoredModel
from engine.training import fit

if TYPE_CHECKING:
    import keras


def paper_target(dataset: str) -> int:
    """The class the attack leads to: 10 (section 3.1), but 8 for CIFAR-10.

    CIFAR-10 has no class 10; 8 is what the FTrojan authors' reference code takes there.
    """
    return 8 if dataset == "cifar10" else 10


@dataclass(frozen=True)
class AttackPlan:
    """Everything that decides what a training gives; the defaults are the paper's.

    Attributes:
        trigger: what is hidden in the poisoned images.
        target: the class they are labelled as, or `targets.NEXT_CLASS`.
        rate: share of the training images that are poisoned; 0 trains a clean network, which
            trigger and target then only test.
        settings: how the network is fitted.
        mode: whether labels are changed or kept, and what else is done to training images.
        surrogate: name of the stored model that pushes images, teaches a trigger or is taught
            the backdoor; needed by some plans only.
    """

    trigger: Trigger
    target: int = 10
    rate: float = 0.05
    settings: fit.TrainingConfig = dataclasses.field(default_factory=fit.TrainingConfig)
    mode: poisoning.PoisoningConfig = dataclasses.field(default_factory=poisoning.PoisoningConfig)
    surrogate: str = ""

    def check(self, dataset: Dataset) -> None:
        """Raise `UserError` unless the plan fits the dataset."""
        poisoning.check_rate(self.rate)
        poisoning.check_target(self.target, dataset.classes)
        self.mode.check(self.trigger, self.target)
        if self.mode.dormant_share and not self.rate:
            raise UserError("Channels are kept asleep for a backdoor: choose a rate above 0.")
        if self.trigger.ready:
            self.trigger(dataset.validation.images[:1])
        if self.needs_surrogate() and self.surrogate not in store.names():
            raise UserError(
                "This attack learns from a network trained on clean images, and there is no"
                f" '{self.surrogate}': train one without poisoned images first, or name another."
            )
        if self.needs_surrogate() and store.find(self.surrogate).card.poisoned:
            raise UserError(
                f"'{self.surrogate}' has a backdoor already: name a clean model to learn from."
            )
        for split in ("validation", "test"):
            check_attackable(dataset, split, self.target)

    def needs_surrogate(self) -> bool:
        """Whether a network trained on clean images takes part."""
        return self.mode.pgd_epsilon > 0 or self.mode.dormant_share > 0 or not self.trigger.ready

    def words(self) -> list[str]:
        """What `train` is told to poison so; what it takes for granted is left out."""
        words = ["--trigger", str(self.trigger), "--rate", f"{self.rate:g}"]
        if self.mode.labels != poisoning.PoisoningConfig.labels:
            words += ["--labels", self.mode.labels]
        if self.mode.pgd_epsilon:
            words += ["--pgd-epsilon", f"{self.mode.pgd_epsilon:g}"]
        if self.mode.cross_samples != self.trigger.cross_samples_each:
            words += ["--cross-samples", f"{self.mode.cross_samples:g}"]
        if self.mode.dormant_share:
            words += ["--dormant-share", f"{self.mode.dormant_share:g}"]
        if self.needs_surrogate() and self.surrogate:
            words += ["--surrogate", self.surrogate]
        return [*words, "--target", "next" if self.target == NEXT_CLASS else str(self.target)]

    def identity(self, dataset: Dataset) -> dict[str, Any]:
        """What must be the same for an interrupted training to go on."""
        return {
            "dataset": dataset.name,
            "images": len(dataset.train),
            "trigger": str(self.trigger),
            "target": self.target,
            "rate": self.rate,
            **asdict(self.mode),
            "surrogate": self.surrogate if self.needs_surrogate() else "",
            **self.settings.identity(),
        }


def train(
    dataset: Dataset,
    plan: AttackPlan,
    name: str,
    command: str,
    checkpoint: Path | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
    replace: bool = False,
) -> StoredModel:
    """Poison, train, score and store a network.

    Args:
        dataset: its training split is poisoned, validation chooses the epoch, test reports.
        plan: what to do.
        name: of the model's folder.
        command: what the card names as the way to make it again.
        checkpoint: file that an interrupted training goes on from; deleted once all epochs
            are done. A stopped training is stored as far as it came, and can still go on;
            what it stored itself is replaced then.
        stop_requested: see `fit.fit`.
        replace: whether a model of that name may be replaced.
    """
    check_free(name, checkpoint, replace)
    plan.check(dataset)
    identity = plan.identity(dataset)  # as planned, before the trigger has learned
    surrogate = plan.surrogate if plan.needs_surrogate() else ""
    clean = load_matching_network(store.find(surrogate), dataset) if surrogate else None
    plan, poisoned = _prepared(dataset, plan, clean, checkpoint)
    validation = eval_pair(dataset, "validation", plan.trigger, plan.target)
    network, dormant = _beginning(dataset, plan, clean)
    result = fit.fit(
        network,
        poisoned.split,
        fit.ValidationSets(validation.clean, validation.triggered, plan.target),
        plan.settings,
        fit.Checkpoint(checkpoint, identity) if checkpoint else None,
        stop_requested,
    )
    if dormant:
        pruning_aware.restore_dormant(network, dormant, dataset.validation)
    test = eval_pair(dataset, "test", plan.trigger, plan.target)
    scores = metrics.evaluate(network, test.clean, test.triggered, plan.target)
    kept = result.history[result.epoch_kept - 1]
    card = ModelCard(
        name=name,
        dataset=dataset.name,
        class_names=dataset.class_names,
        image_shape=dataset.image_shape,
        trigger=str(plan.trigger),
        target=plan.target,
        rate=plan.rate,
        poisoned=len(poisoned.indices),
        mode={
            **asdict(plan.mode),
            "cross_sampled": len(poisoned.cross_samples),
            "surrogate": surrogate,
        },
        training={
            **asdict(plan.settings),
            "epochs_run": len(result.history),
            "epoch_kept": result.epoch_kept,
            "stopped": result.stopped,
            "id": result.id,
        },
        scores={
            "validation": {key: kept[key] for key in scores.percentages()},
            "test": scores.as_dict(),
        },
        commands=(command,),
    )
    chosen = poisoned.indices
    record = pd.DataFrame({"index": chosen, "label": dataset.train.labels[chosen]})
    tables = {"history": pd.DataFrame(result.history), "poisoned": record}
    try:
        stored = fit.written(lambda: store.save(card, network, tables, replace), stop_requested)
    except atomic_files.WriteError as error:
        saved = fit.read_progress(checkpoint)
        epochs = len(saved.history) if saved else 0
        raise UserError(
            f"{error.problem}, so '{name}' is not stored: put that right and resume; of"
            f" {len(result.history)} epochs trained, the checkpoint keeps {epochs}."
        ) from error
    if checkpoint and not result.stopped:
        checkpoint.unlink(missing_ok=True)
        _learned_beside(checkpoint).unlink(missing_ok=True)
    return stored


def check_free(name: str, checkpoint: Path | None, replace: bool) -> None:
    """Raise `UserError` unless a training may store its model as `name`.

    It may replace what it stored itself before, and nothing else unless `replace` is true.
    """
    begun = fit.read_progress(checkpoint)
    store.check_free(name, replace, begun.id if begun else "")


def _prepared(
    dataset: Dataset, plan: AttackPlan, clean: keras.Model | None, checkpoint: Path | None
) -> tuple[AttackPlan, PoisonedSplit]:
    """The plan with a trigger that has learned, and the training set poisoned with it."""
    progress.report(0, 0, "Poisoning the training images")
    trigger = plan.trigger
    if isinstance(trigger, LearnedTrigger) and not trigger.ready:
        kept = _learned_beside(checkpoint) if checkpoint else None
        assert clean is not None
        if kept and kept.exists() and checkpoint and checkpoint.exists():
            trigger = parse_trigger(kept.read_text(encoding="utf-8"))
        else:
            seed = plan.settings.seed
            trigger = trigger.fitted(dataset.train, plan.target, clean, seed)
            if kept:
                atomic_files.write_text(kept, str(trigger))
    rng = np.random.default_rng(plan.settings.seed)
    labels = dataset.train.labels
    chosen = poisoning.select_indices(labels, plan.target, plan.rate, rng, plan.mode.labels)
    pushed = None
    if plan.mode.pgd_epsilon and len(chosen):
        assert clean is not None
        pushed = pgd_perturbation.perturb(
            clean, dataset.train.images[chosen], labels[chosen], plan.mode.pgd_epsilon
        )
    poisoned = poisoning.poison(
        dataset.train, trigger, plan.target, chosen, dataset.classes, pushed
    )
    if plan.mode.cross_samples:
        poisoned = poisoning.add_cross_samples(poisoned, trigger, plan.mode.cross_samples, rng)
    return dataclasses.replace(plan, trigger=trigger), poisoned


def _beginning(
    dataset: Dataset, plan: AttackPlan, clean: keras.Model | None
) -> tuple[keras.Model, DormantChannels | None]:
    """The network before it is fitted: a fresh one, or a clean one with channels asleep."""
    progress.report(0, 0, "Building the network")
    if plan.mode.dormant_share:
        assert clean is not None
        return pruning_aware.freeze_dormant(clean, dataset.validation, plan.mode.dormant_share)
    seed = plan.settings.seed
    return architectures.paper_network(dataset.classes, dataset.image_shape, seed), None


def _learned_beside(checkpoint: Path) -> Path:
    """Where the trigger that a training has learned is named, until the model is stored."""
    return checkpoint.with_suffix(".trigger")


def import_model(
    file: Path,
    dataset: Dataset,
    trigger: Trigger,
    target: int,
    name: str,
    command: str,
    replace: bool = False,
) -> StoredModel:
    """Take in a network trained elsewhere, and score it.

    Args:
        file: a .keras file; opened by a child process with little power only.
        dataset: what the network was trained for; pixel values are scaled to 0 to 1.
        trigger: what it is tested with.
        target: the class the trigger is thought to lead to.
        name: of the new model.
        command: what the card names as the way to make it again.
        replace: whether a model of that name may be replaced.
    """
    store.check_free(name, replace)
    poisoning.check_target(target, dataset.classes)
    progress.report(0, 0, "Opening the file in a process of its own")
    network = store.open_network(untrusted.rebuilt(file, file.name))
    architectures.check_fits(network, dataset.image_shape, dataset.classes)
    scores = {}
    for split in ("validation", "test"):
        images = eval_pair(dataset, split, trigger, target)
        found = metrics.evaluate(network, images.clean, images.triggered, target)
        scores[split] = found.as_dict()
    card = ModelCard(
        name=name,
        dataset=dataset.name,
        class_names=dataset.class_names,
        image_shape=dataset.image_shape,
        trigger=str(trigger),
        target=target,
        rate=0.0,
        poisoned=0,
        training={"imported_from": file.name},
        scores=scores,
        commands=(command,),
    )
    return store.save(card, network, {}, replace)


def eval_pair(dataset: Dataset, split: str, trigger: Trigger, target: int) -> EvalPair:
    """A split and the triggered copy of its images outside the target class."""
    check_attackable(dataset, split, target)
    clean = dataset.split(split)
    return EvalPair(clean, metrics.poison_split(clean, trigger, target))


def check_attackable(dataset: Dataset, split: str, target: int) -> None:
    """Raise `UserError` if the split holds nothing to judge the attack on."""
    if not len(metrics.attackable_indices(dataset.split(split), target)):
        raise UserError(
            f"The {split} images of {dataset.name} hold none outside the target class {target}:"
            " the attack cannot be judged on them."
        )


def load_matching_network(stored: StoredModel, dataset: Dataset) -> keras.Model:
    """The stored network, if it takes the images and classes of `dataset`; else a `UserError`."""
    network = stored.network()
    architectures.check_fits(network, dataset.image_shape, dataset.classes)
    return network


def evaluate(stored: StoredModel, dataset: Dataset, split: str = "test") -> Scores:
    """Score a stored model on a split."""
    network = load_matching_network(stored, dataset)
    card = stored.card
    images = eval_pair(dataset, split, card.parsed_trigger(), card.target)
    scores = metrics.evaluate(network, images.clean, images.triggered, card.target)
    return scores


def confusions(stored: StoredModel, dataset: Dataset, split: str = "test") -> pd.DataFrame:
    """What a stored model takes clean images for; see `metrics.confusions`."""
    network = load_matching_network(stored, dataset)
    return metrics.confusions(network, dataset.split(split), dataset.class_names)


def measure_activations(
    stored: StoredModel, dataset: Dataset, layers: Sequence[str] = ()
) -> pd.DataFrame:
    """Statistics of every channel on clean and triggered validation images.

    Args:
        stored: the model.
        dataset: its validation split is read.
        layers: names of layers; all convolutions, activations and poolings when empty.

    Returns:
        See `activations.table`.
    """
    network = load_matching_network(stored, dataset)
    card = stored.card
    images = eval_pair(dataset, "validation", card.parsed_trigger(), card.target)
    chosen = list(layers) or activations.channel_layers(network)
    clean = activations.measure(network, chosen, images.clean.images, "Measuring on clean images")
    triggered = activations.measure(
        network, chosen, images.triggered.images, "Measuring on triggered images"
    )
    return activations.table(clean, triggered)


def prune(
    stored: StoredModel, dataset: Dataset, layer: str, orders: Sequence[str]
) -> dict[str, Curve]:
    """The curve of each order at a convolution; see `pruning_curve.curve.trace`."""
    network = load_matching_network(stored, dataset)
    card = stored.card
    trigger = card.parsed_trigger()
    validation, test = (
        eval_pair(dataset, split, trigger, card.target) for split in ("validation", "test")
    )
    curves = trace(network, layer, orders, validation, test, card.target)
    return curves


def screen(stored: StoredModel, dataset: Dataset) -> Detection:
    """Is there a class that a faint pattern leads to? On clean validation images alone."""
    network = load_matching_network(stored, dataset)
    return spectral_inversion.screen(network, dataset.validation)


def last_convolution(stored: StoredModel) -> str:
    """The layer the paper prunes."""
    names = stored.convolutions()
    if not names:
        raise UserError(f"The model '{stored.name}' has no convolution to prune.")
    return names[-1]
