"""Commands on models: train, take in, score, list, delete."""

from __future__ import annotations

import argparse

import pandas as pd

from engine import store
from engine.attacks import poisoning
from engine.attacks.triggers import parse_trigger
from engine.cli.commands.shared import (
    Answer,
    command_line,
    do,
    model_answer,
    open_for,
    training_settings,
    work,
)
from engine.core import job_worker, jobs, tensorflow_runtime
from engine.core.errors import UserError
from engine.datasets import open_dataset
from engine.evaluation import metrics
from engine.experiments import analyze
from engine.experiments.attack_plan import AttackPlan, paper_target
from engine.experiments.import_model import import_model as import_network
from engine.experiments.new_model import NewModel
from engine.experiments.train import check_free
from engine.experiments.train import train as train_network
from engine.store import trash


def train(options: argparse.Namespace) -> Answer:
    """Train a network on poisoned data and keep it as a model."""
    trigger = parse_trigger(options.trigger)
    plan = AttackPlan(
        trigger,
        paper_target(options.dataset) if options.target is None else options.target,
        options.rate,
        training_settings(options),
        poisoning.PoisoningConfig(
            options.labels,
            options.pgd_epsilon,
            trigger.cross_samples_each if options.cross_samples is None else options.cross_samples,
            options.dormant_share,
        ),
        options.surrogate or f"{options.dataset}-clean",
    )
    run = jobs.job_named(options.job or f"train-{options.name}")
    check_free(_new_model(options), run.checkpoint)

    def make() -> store.StoredModel:
        dataset = open_dataset(options.dataset, options.root, size=options.size)
        plan.check(dataset)  # what cannot work is said before the wait
        with job_worker.turn(run):
            tensorflow_runtime.import_tensorflow()
            return train_network(
                dataset, plan, _new_model(options), run.checkpoint, run.stop_requested
            )

    return work(options, run, make, model_answer)


def _new_model(options: argparse.Namespace) -> NewModel:
    return NewModel(options.name, command_line(options), options.replace)


def import_model(options: argparse.Namespace) -> Answer:
    """Take in a network trained elsewhere (.keras), opened in quarantine, and score it."""
    trigger = parse_trigger(options.trigger)
    store.check_free(options.name, options.replace)

    def make() -> store.StoredModel:
        tensorflow_runtime.import_tensorflow()
        dataset = open_dataset(options.dataset, options.root, size=options.size)
        return import_network(options.file, dataset, trigger, options.target, _new_model(options))

    return do(options, make, model_answer)


def evaluate(options: argparse.Namespace) -> Answer:
    """Clean accuracy, attack success and recovered accuracy of a model."""
    stored = store.find(options.model)

    def make() -> metrics.Scores:
        dataset = open_for(stored, options)
        return analyze.evaluate(stored, dataset, options.split)

    def answer(scores: metrics.Scores) -> Answer:
        return {"model": stored.name, "split": options.split, **scores.as_dict()}

    return do(options, make, answer)


def confusions(options: argparse.Namespace) -> Answer:
    """Which classes a model takes for which others, on clean images."""
    stored = store.find(options.model)

    def make() -> pd.DataFrame:
        dataset = open_for(stored, options)
        return analyze.confusions(stored, dataset, options.split)

    def answer(table: pd.DataFrame) -> Answer:
        if options.out:
            store.write_table(options.out, table)
        wrong = table[table["label"] != table["read_as"]]
        right = table["images"].sum() - wrong["images"].sum()
        return {
            "model": stored.name,
            "dataset": options.dataset or stored.card.dataset,
            "split": options.split,
            "clean_accuracy": round(100 * float(right) / float(table["images"].sum()), 3),
            "commonest": wrong.head(10).round(1).to_dict("records"),
        }

    return do(options, make, answer)


def delete(options: argparse.Namespace) -> Answer:
    """Delete a model of your own; `restore` brings it back."""
    trash.delete(options.model)
    return {"deleted": options.model}


def restore(options: argparse.Namespace) -> Answer:
    """Bring back the model of that name that was deleted last."""
    trash.restore(options.model)
    return {"restored": options.model}


def models(options: argparse.Namespace) -> Answer:
    """The models there are, or those named: how they were trained, scores on test images."""
    if options.out and not options.names:
        raise UserError("With --out, name the models to compare.")
    lines = [_line(name) for name in options.names or store.names()]
    if options.out:
        rows = [_comparison(store.find(name)) for name in options.names]
        store.write_table(options.out, pd.DataFrame(rows))
    return {"models": lines}


def _line(name: str) -> Answer:
    try:
        card = store.find(name).card
    except UserError as error:
        return {"name": name, "problem": str(error)}
    scores = {figure: round(card.scores["test"][figure], 2) for figure in metrics.METRICS}
    return {"name": name, "dataset": card.dataset, "trigger": card.trigger, **scores}


def _comparison(stored: store.StoredModel) -> Answer:
    """A row on how a model was trained, how long that took, and what came of it."""
    card, history = stored.card, stored.table("history")
    settings = ("epochs", "batch", "learning_rate", "schedule", "seed", "epoch_kept")
    return {
        "model": stored.name,
        "dataset": card.dataset,
        "poisoned": card.poisoned,
        **{name: card.training.get(name, "") for name in settings},
        "minutes": "" if history is None else round(history["seconds"].sum() / 60, 1),
        "validation_accuracy": card.scores["validation"]["clean_accuracy"],
        **{figure: card.scores["test"][figure] for figure in metrics.METRICS},
        "command": card.commands[0],
    }
