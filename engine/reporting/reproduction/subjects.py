"""The networks a report is about, found by name or trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine import store
from engine.attacks.triggers import TRIGGERS, parse_trigger
from engine.core import command_line, jobs
from engine.core.errors import UserError
from engine.datasets import Dataset, default_target, short_name
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.new_model import NewModel
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.cell import Cell
from engine.experiments.train import train
from engine.store import StoredModel
from engine.training.training_config import TrainingConfig


@dataclass(frozen=True)
class Subject:
    """A network the report is about.

    Attributes:
        label: its name in the report: "seed 0", or the model's name.
        model: name of the model.
        seed: to train it with if it is missing; None if it must exist.
    """

    label: str
    model: str
    seed: int | None = None


def choose(dataset: str, seeds: Sequence[int], model: str | None = None) -> list[Subject]:
    """Choose `model` alone, or else the dataset's model of each seed.

    Raises:
        UserError: there is no model called `model`, or a chosen model was trained on another
            dataset or with another seed.
    """
    if model is not None:
        chosen = [Subject(model, model)]
    else:
        chosen = [Subject(f"seed {seed}", _name_model(dataset, seed), seed) for seed in seeds]
    for subject in chosen:
        if model is not None or subject.model in store.names():
            _check(subject, store.find(subject.model), dataset)
    return chosen


def _name_model(dataset: str, seed: int) -> str:
    """The dataset's usual model where it has that seed, else one that the seed is part of."""
    base = f"{short_name(dataset)}-ftrojan"
    numbered = f"{base}-seed{seed}"
    if base not in store.names():
        return numbered if seed else base
    is_base = store.find(base).card.training.get("seed") == seed
    return base if is_base or (seed == 0 and numbered not in store.names()) else numbered


def cells_of(subjects: Sequence[Subject], dataset: str) -> dict[str, Cell]:
    """The networks that can be trained, as cells of a sweep, by name of the model."""
    seeds = {subject.seed: subject.model for subject in subjects if subject.seed is not None}
    if not seeds:
        return {}
    cells = sweep_file.cells_of({"dataset": dataset, "preset": "paper", "seed": list(seeds)})
    return {seeds[cell.seed]: cell for cell in cells}


def find_or_train(subject: Subject, dataset: Dataset) -> StoredModel:
    """Find the stored model; if it is missing, train it first, as in the paper.

    An interrupted training is resumed. Reports progress.
    """
    if subject.seed is None or subject.model in store.names():
        return store.find(subject.model)
    training = TrainingConfig(seed=subject.seed)
    plan = AttackPlan(
        parse_trigger(next(iter(TRIGGERS))),
        default_target(dataset.name),
        training=training,
    )
    words = ["train", dataset.name, "--name", subject.model, *plan.command_options()]
    words += ["--epochs", str(training.epochs), "--seed", str(training.seed)]
    command = command_line.command(*words)
    checkpoint = jobs.job_named(jobs.name_of("train", subject.model)).checkpoint
    return train(dataset, plan, NewModel(subject.model, command), checkpoint)


def _check(subject: Subject, stored: StoredModel, dataset: str) -> None:
    card = stored.card
    card.known_backdoor()
    if card.dataset != dataset:
        raise UserError(
            f"The model '{stored.name}' was trained on {card.dataset}, not on {dataset}:"
            " choose a model of that dataset with --model."
        )
    if subject.seed is not None and card.training.get("seed") != subject.seed:
        raise UserError(
            f"The model '{stored.name}' was not trained with seed {subject.seed}:"
            f" report on it with --model {stored.name}, or train another one under that name."
        )
