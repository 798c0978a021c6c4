"""Commands on models: import, score, list and delete them."""

from __future__ import annotations

from pathlib import Path

import click
import pandas as pd

from engine import store
from engine.attacks.triggers import Trigger
from engine.cli.options import (
    MODEL,
    TARGET,
    TRIGGER,
    ModelChoice,
    Parsed,
    model_argument,
    model_choice,
    out_option,
    split_option,
)
from engine.cli.shared import (
    Answer,
    Call,
    check_out,
    command,
    long_work,
    recorded_command,
)
from engine.core.errors import UserError
from engine.evaluation import metrics
from engine.experiments import analyze
from engine.experiments import assume as naming
from engine.store import trash


@command("assume")
@model_argument
@click.option("--trigger", type=TRIGGER, required=True, help="The trigger suspected.")
@click.option(
    "--target",
    type=TARGET,
    required=True,
    help="The class that the trigger is suspected to lead to, or 'next'.",
)
@long_work
def assume(model: str, trigger: Trigger, target: int, call: Call) -> Answer:
    """Name a suspected trigger for an imported network.

    The network is scored with it. What was measured with another trigger, or without one, is
    deleted.
    """
    choice = ModelChoice.of(model)
    naming.check(choice.stored.card, target)

    def work() -> Answer:
        dataset = choice.load(call.root)
        stored = naming.assume(choice.stored, dataset, trigger, target, recorded_command())
        known = stored.card.known_backdoor()
        return {
            "model": stored.name,
            "assumed_trigger": known.text,
            "assumed_target": known.target_name,
            **stored.card.scores["test"],
        }

    return call.run(work)


@command("evaluate")
@model_choice
@split_option
@long_work
def evaluate(choice: ModelChoice, split: str, call: Call) -> Answer:
    """Measure clean accuracy, attack success and recovered accuracy.

    Where no trigger is known, clean accuracy alone.
    """

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


@command("predict")
@model_choice
@out_option("FILE.csv", "Write the table there, not beside the model.")
@long_work
def predict(choice: ModelChoice, out: Path | None, call: Call) -> Answer:
    """Classify every test image, clean and triggered.

    Where no trigger is known, the clean ones alone.
    """
    check_out(choice, out)

    def work() -> Answer:
        table = analyze.predict_test(choice.stored, choice.load(call.root))
        if out:
            store.write_table(out, table)
        else:
            choice.stored.save_tables({"predictions": table}, recorded_command())
        path = out or choice.stored.folder / "predictions.csv"
        return {"model": choice.stored.name, "images": len(table), "file": str(path)}

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
    scores = card.scores["test"]
    figures = {metric: round(scores[metric], 2) for metric in metrics.measured(scores)}
    trigger = {"assumed_trigger" if card.assumed else "trigger": card.trigger or "not known"}
    return {"name": name, "dataset": card.dataset, **trigger, **figures}


def _comparison(stored: store.StoredModel) -> Answer:
    """A row: how the model was trained, how long that took, and its scores."""
    card, history = stored.card, stored.table("history")
    settings = (
        *("epochs", "batch", "learning_rate", "schedule", "augment", "precision"),
        *("seed", "epoch_kept"),
    )
    return {
        "model": stored.name,
        "dataset": card.dataset,
        "poisoned": "" if card.poisoned is None else card.poisoned,
        **{name: card.training.get(name, "") for name in settings},
        "minutes": "" if history is None else round(history["seconds"].sum() / 60, 1),
        "validation_accuracy": card.scores["validation"]["clean_accuracy"],
        **{metric: card.scores["test"].get(metric, "") for metric in metrics.METRICS},
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
