"""What the commands share: their options read, their work done, their command line."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import signal
import sys
from collections.abc import Callable
from typing import Any

from engine import store
from engine.cli import terminal
from engine.core import job_worker, jobs, progress, tensorflow_runtime
from engine.core.errors import UserError
from engine.core.progress import Result
from engine.datasets import Dataset, open_dataset
from engine.training.presets import find_preset
from engine.training.training_config import TrainingConfig

Answer = dict[str, Any]


def training_settings(options: argparse.Namespace) -> TrainingConfig:
    """The preset's, but for what the options say."""
    named = ("epochs", "batch", "learning_rate", "schedule", "seed")
    said = {name: value for name in named if (value := getattr(options, name)) is not None}
    return dataclasses.replace(find_preset(options.preset).training, **said)


def model_answer(stored: store.StoredModel) -> Answer:
    """What there is to say of a model just made."""
    card = stored.card
    return {
        "model": stored.name,
        "folder": str(stored.folder),
        "epoch_kept": card.training.get("epoch_kept"),
        "stopped": card.training.get("stopped", False),
        **card.scores["test"],
    }


def check_place(stored: store.StoredModel, options: argparse.Namespace) -> None:
    """What stands beside a model is of the dataset on its card; other results go elsewhere."""
    if options.dataset not in (None, stored.card.dataset) and not options.out:
        raise UserError("With --dataset, say where to write the results: --out PATH.")


def open_for(stored: store.StoredModel, options: argparse.Namespace) -> Dataset:
    """The dataset of a model, or the one the options name, at the size the model reads."""
    tensorflow_runtime.import_tensorflow()
    name = options.dataset or stored.card.dataset
    return open_dataset(name, options.root, size=stored.card.image_shape[0])


def dataset_named(options: argparse.Namespace) -> Dataset:
    """The dataset the options name, opened here and now."""
    with progress.reporting_to(terminal.Bar()):
        return open_dataset(options.dataset, options.root, size=options.size)


def do(
    options: argparse.Namespace,
    make: Callable[[], Result],
    answer: Callable[[Result], Answer],
) -> Answer:
    """Do the work here; as a run that others can watch and stop if one was named."""
    if not options.job:
        with progress.reporting_to(terminal.Bar()), progress.timed():
            return answer(make())
    run = jobs.job_named(options.job)

    def stoppable() -> Result:
        with progress.stopping_when(run.stop_requested):
            return make()

    return work(options, run, stoppable, answer)


def work(
    options: argparse.Namespace,
    run: jobs.Job,
    make: Callable[[], Result],
    answer: Callable[[Result], Answer],
) -> Answer:
    """Do the work as that run.

    The first Ctrl-C asks politely, so that what is there is kept; a second one ends it.
    """

    def in_time() -> Result:
        with progress.timed():
            return make()

    previous = signal.signal(signal.SIGINT, lambda *_: _ask_to_stop(run))
    try:
        return job_worker.work(run, options.arguments, lambda: answer(in_time()), terminal.Bar())
    finally:
        signal.signal(signal.SIGINT, previous)


def _ask_to_stop(run: jobs.Job) -> None:
    if run.stop_requested():
        raise KeyboardInterrupt
    print("\nStopping; once more to give up at once.", file=sys.stderr)
    run.stop()


def command_line(options: argparse.Namespace) -> str:
    """The command line as a card names it: without what belongs to one machine or one call."""
    words = iter(options.arguments)
    kept = []
    for word in words:
        if word in ("--json", "--replace"):
            continue
        if word in ("--root", "--job", "--out"):
            next(words, None)
        elif not word.startswith(("--root=", "--job=", "--out=")):
            kept.append(word)
    return shlex.join(["python", "-m", "engine", *kept])
