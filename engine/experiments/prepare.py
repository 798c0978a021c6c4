"""Preparing an attack: the trigger learns, and the training set is poisoned."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import store
from engine.attacks import pgd_perturbation, poisoning
from engine.attacks.poisoning import PoisonedSplit
from engine.attacks.triggers import CrossSampledTrigger, LearnedTrigger, Trigger, parse_trigger
from engine.core import atomic_files, progress
from engine.datasets import Dataset
from engine.datasets.dataset import Split
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.eval_pairs import load_matching_network

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Preparation:
    """What a training starts from.

    Attributes:
        plan: with a trigger that is ready, and without a surrogate's name if none is needed.
        unpoisoned: the training set before the trigger is applied.
        poisoned: the training set.
        identity: of the plan as it was given; see `AttackPlan.identity`.
        surrogate: the clean network the attack learns from; None if it needs none.
    """

    plan: AttackPlan
    unpoisoned: Split
    poisoned: PoisonedSplit
    identity: Mapping[str, Any]
    surrogate: keras.Model | None


def prepare(dataset: Dataset, plan: AttackPlan, checkpoint: Path | None = None) -> Preparation:
    """Let the trigger learn, if it has to, and poison the training set.

    Args:
        dataset: its training split is copied, not changed.
        plan: one that fits the dataset; see `AttackPlan.check`.
        checkpoint: of a training that may resume. What the trigger learned is kept beside it.
    """
    name = plan.surrogate if plan.needs_surrogate() else ""
    surrogate = load_matching_network(store.find(name), dataset) if name else None
    progress.report(0, 0, "Poisoning the training images")
    trigger = _learn_trigger(dataset, plan, surrogate, checkpoint)
    ready = dataclasses.replace(plan, trigger=trigger, surrogate=name)
    unpoisoned, poisoned = _poison(dataset, ready, surrogate)
    return Preparation(ready, unpoisoned, poisoned, plan.identity(dataset), surrogate)


def trigger_file(checkpoint: Path) -> Path:
    """The file beside a checkpoint that names the trigger its training has learned."""
    return checkpoint.with_suffix(".trigger")


def _learn_trigger(
    dataset: Dataset, plan: AttackPlan, surrogate: keras.Model | None, checkpoint: Path | None
) -> Trigger:
    """The plan's trigger once it has learned, before an interruption or now."""
    trigger = plan.trigger
    if trigger.ready or not isinstance(trigger, LearnedTrigger):
        return trigger
    file = trigger_file(checkpoint) if checkpoint else None
    if file and file.exists() and checkpoint and checkpoint.exists():
        return parse_trigger(file.read_text(encoding="utf-8"))
    assert surrogate is not None
    trigger = trigger.fitted(dataset.train, plan.target, surrogate, plan.training.seed)
    if file:
        atomic_files.write_text(file, str(trigger))
    return trigger


def _poison(
    dataset: Dataset, plan: AttackPlan, surrogate: keras.Model | None
) -> tuple[Split, PoisonedSplit]:
    """The training split before the trigger is applied, and after."""
    config, rng = plan.poisoning, np.random.default_rng(plan.training.seed)
    images, labels = dataset.train.images, dataset.train.labels
    chosen = poisoning.select_indices(labels, plan.target, plan.rate, rng, config.labels)
    if config.pgd_epsilon and len(chosen):
        assert surrogate is not None
        images = np.array(images)
        images[chosen] = pgd_perturbation.perturb(
            surrogate, images[chosen], labels[chosen], config.pgd_epsilon
        )
    unpoisoned = Split(images, labels)
    poisoned = poisoning.poison(unpoisoned, plan.trigger, plan.target, chosen, dataset.classes)
    if isinstance(plan.trigger, CrossSampledTrigger) and config.cross_samples:
        poisoned = poisoning.add_cross_samples(poisoned, plan.trigger, config.cross_samples, rng)
    return unpoisoned, poisoned
