"""Commands on models: train, import, score, list and delete them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pandas as pd

from engine import store
from engine.attacks.poisoning import LABELS, Labels, PoisoningConfig
from engine.attacks.triggers import Trigger
from engine.cli.options import (
    MODEL,
    TARGET,
    File,
    ImageOptions,
    ModelChoice,
    Parsed,
    epochs_option,
    gathered,
    image_options,
    model_argument,
    model_choice,
    out_option,
    preset_option,
    split_option,
    trigger_option,
)
from engine.cli.shared import (
    Answer,
    Call,
    command,
    long_work,
    new_model_options,
)
from engine.core import job_worker, jobs, tensorflow_runtime
from engine.core.errors import UserError
from engine.datasets import default_target
from engine.evaluation import metrics
from engine.experiments import analyze
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.import_model import import_model as import_network
from engine.experiments.new_model import NewModel
from engine.experiments.train import check_free
from engine.experiments.train import train as train_network
from engine.store import trash
from engine.training.presets import find_preset
from engine.training.training_config import SCHEDULES, Schedule, TrainingConfig


@dataclass(frozen=True)
class AttackOptions:
    """How the training set is poisoned; see `AttackPlan` and `PoisoningConfig`."""

    trigger: Trigger
    rate: float
    target: int | None
    labels: Labels
    pgd_epsilon: float
    cross_samples: float | None
    dormant_share: float
    surrogate: str | None

    def plan(self, dataset: str, training: TrainingConfig) -> AttackPlan:
        """The plan on the dataset of that name, with its usual values where none was given."""
        each = self.trigger.cross_samples_each if self.cross_samples is None else self.cross_samples
        return AttackPlan(
            self.trigger,
            default_target(dataset) if self.target is None else self.target,
            self.rate,
            training,
            PoisoningConfig(self.labels, self.pgd_epsilon, each, self.dormant_share),
            self.surrogate or f"{dataset}-clean",
        )


def _training_config(
    preset: str,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    schedule: Schedule | None,
    seed: int,
) -> TrainingConfig:
    """The preset's settings, with those that were given."""
    given = {
        "epochs": epochs,
        "batch": batch,
        "learning_rate": learning_rate,
        "schedule": schedule,
        "seed": seed,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(find_preset(preset).training, **changes)


attack_options = gathered(
    "attack",
    AttackOptions,
    trigger_option,
    click.option(
        "--rate",
        type=float,
        default=0.05,
        help="Share of the training images that are poisoned; 0 trains a clean network.",
    ),
    click.option(
        "--target",
        type=TARGET,
        help="The class that the trigger leads to, or 'next': each class to the one after it."
        " 10 if left out, but 8 for cifar10.",
    ),
    click.option(
        "--labels",
        type=Parsed("NAME", names=lambda: LABELS),
        default=PoisoningConfig.labels,
        help="dirty-label: images of other classes get the target's label; clean-label: images"
        " of the target class get the trigger and keep their label.",
    ),
    click.option(
        "--pgd-epsilon",
        type=float,
        default=0.0,
        help="Largest change, in grey levels, of an adversarial (PGD) perturbation that poisoned"
        " images get before the trigger.",
    ),
    click.option(
        "--cross-samples",
        type=float,
        help="Images per poisoned one that get nearly the trigger and keep their true label; as"
        " many as the trigger's authors use if left out.",
    ),
    click.option(
        "--dormant-share",
        type=float,
        default=0.0,
        help="Share of the last convolution's channels that the backdoor avoids, so that pruning"
        " removes them first and leaves the backdoor alone.",
    ),
    click.option(
        "--surrogate",
        type=MODEL,
        help="A clean model that the attack learns from; DATASET-clean if left out.",
    ),
)
training_options = gathered(
    "training",
    _training_config,
    preset_option("paper"),
    epochs_option,
    click.option("--batch", type=int, help="Images per step; replaces the preset's."),
    click.option("--learning-rate", type=float, help="Replaces the preset's."),
    click.option(
        "--schedule",
        type=Parsed("NAME", names=lambda: SCHEDULES),
        help=f"Of the learning rate: {', '.join(SCHEDULES)}. Replaces the preset's.",
    ),
    click.option("--seed", type=int, default=0, help="The same seed gives the same model."),
)


@command("train")
@image_options
@attack_options
@training_options
@new_model_options()
@long_work
def train(
    images: ImageOptions,
    attack: AttackOptions,
    training: TrainingConfig,
    new_model: NewModel,
    call: Call,
) -> Answer:
    """Train a network, with or without a backdoor, and store it.

    The same command resumes a training that was interrupted or stopped.
    """
    plan = attack.plan(images.dataset, training)
    job = jobs.job_named(call.job or jobs.name_of("train", new_model.name))
    check_free(new_model, job.checkpoint)

    def work() -> Answer:
        dataset = images.load(call.root)
        plan.check(dataset)  # before the wait for a turn
        with job_worker.turn(job):
            tensorflow_runtime.import_tensorflow()
            return _describe_new(
                train_network(dataset, plan, new_model, job.checkpoint, job.stop_requested)
            )

    return call.run_as(job, work)


def _describe_new(stored: store.StoredModel) -> Answer:
    """The answer about a model that was just trained or imported."""
    card = stored.card
    return {
        "model": stored.name,
        "folder": str(stored.folder),
        "epoch_kept": card.training.get("epoch_kept"),
        "stopped": card.training.get("stopped", False),
        **card.scores["test"],
    }


@command("import")
@click.argument("file", type=File("FILE.keras"), help="A Keras network.")
@image_options
@trigger_option
@click.option(
    "--target",
    type=TARGET,
    default=10,
    help="The class that the trigger is suspected to lead to, or 'next'.",
)
@new_model_options()
@long_work
def import_model(
    file: Path,
    images: ImageOptions,
    trigger: Trigger,
    target: int,
    new_model: NewModel,
    call: Call,
) -> Answer:
    """Import a network that was trained elsewhere, and score it.

    The file is opened in a sandboxed process. The network must take pixel values from 0 to 1.
    """
    store.check_free(new_model.name, new_model.replace)

    def work() -> Answer:
        tensorflow_runtime.import_tensorflow()
        dataset = images.load(call.root)
        return _describe_new(import_network(file, dataset, trigger, target, new_model))

    return call.run(work)


@command("evaluate")
@model_choice
@split_option
@long_work
def evaluate(choice: ModelChoice, split: str, call: Call) -> Answer:
    """Measure clean accuracy, attack success and recovered accuracy."""

    def work() -> Answer:
        scores = analyze.evaluate(choice.stored, choice.load(call.root), split)
        return {"model": choice.stored.name, "split": split, **scores.as_dict()}

    return call.run(work)


@command("confusions")
@model_choice
@split_option
@out_option("FILE.csv", "Write all pairs of classes there.")
@long_work
def confusions(choice: ModelChoice, split: str, out: Path | None, call: Call) -> Answer:
    """Count which classes a model confuses on clean images."""

    def work() -> Answer:
        table = analyze.confusions(choice.stored, choice.load(call.root), split)
        if out:
            store.write_table(out, table)
        wrong = table[table["label"] != table["read_as"]]
        correct = table["images"].sum() - wrong["images"].sum()
        return {
            "model": choice.stored.name,
            "dataset": choice.dataset,
            "split": split,
            "clean_accuracy": round(100 * float(correct) / float(table["images"].sum()), 3),
            "commonest": wrong.head(10).round(1).to_dict("records"),
        }

    return call.run(work)


@command("models")
@click.argument("names", type=MODEL, nargs=-1, help="Names of models; all if left out.")
@out_option("FILE.csv", "Write a table there that compares the models.")
def models(names: tuple[str, ...], out: Path | None) -> Answer:
    """List models with their scores, or compare some of them."""
    if out and not names:
        raise UserError("With --out, name the models to compare.")
    lines = [_describe(name) for name in names or store.names()]
    if out:
        store.write_table(out, pd.DataFrame([_comparison(store.find(name)) for name in names]))
    return {"models": lines}


def _describe(name: str) -> Answer:
    try:
        card = store.find(name).card
    except UserError as error:
        return {"name": name, "problem": str(error)}
    scores = {metric: round(card.scores["test"][metric], 2) for metric in metrics.METRICS}
    return {"name": name, "dataset": card.dataset, "trigger": card.trigger, **scores}


def _comparison(stored: store.StoredModel) -> Answer:
    """A row: how the model was trained, how long that took, and its scores."""
    card, history = stored.card, stored.table("history")
    settings = ("epochs", "batch", "learning_rate", "schedule", "seed", "epoch_kept")
    return {
        "model": stored.name,
        "dataset": card.dataset,
        "poisoned": card.poisoned,
        **{name: card.training.get(name, "") for name in settings},
        "minutes": "" if history is None else round(history["seconds"].sum() / 60, 1),
        "validation_accuracy": card.scores["validation"]["clean_accuracy"],
        **{metric: card.scores["test"][metric] for metric in metrics.METRICS},
        "command": card.commands[0],
    }


@command("delete")
@model_argument
def delete(model: str) -> Answer:
    """Delete a model of your own; restore brings it back."""
    trash.delete(model)
    return {"deleted": model}


@command("restore")
@click.argument(
    "model", type=Parsed("MODEL", names=trash.deleted), help="Name of the deleted model."
)
def restore(model: str) -> Answer:
    """Bring back the last deleted model of that name."""
    trash.restore(model)
    return {"restored": model}
