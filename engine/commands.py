"""What each command of the command line does: from its options to its answer.

An answer is what ``--json`` prints; the first line of a command's docstring is its help.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine import (
    bench,
    evaluation,
    experiment,
    files,
    places,
    quiet,
    reproduction,
    results,
    runs,
    session_report,
    store,
    terminal,
    training,
    trash,
)
from engine.datasets import (
    SPLITS,
    Dataset,
    Split,
    available,
    open_dataset,
    open_test,
    sheet,
)
from engine.errors import LabError
from engine.presets import find_preset
from engine.progress import Progress, Result, Work, exhaust, timed, until
from engine.pruning.curve import Curve, check_threshold
from engine.pruning.orders import find_order
from engine.repairs import parse_repair
from engine.triggers import parse_trigger

Answer = dict[str, Any]


def data(options: argparse.Namespace) -> Answer:
    """Classes, image shape and images per split; fetches what may be fetched."""

    def answer(dataset: Dataset) -> Answer:
        if options.sheet:
            sheet.save(options.sheet, sheet.drawn(dataset.test, dataset.class_names))
        return {
            "dataset": dataset.name,
            "classes": dataset.classes,
            "image_shape": list(dataset.image_shape),
            "images": {name: len(dataset.split(name)) for name in SPLITS},
        }

    def make() -> Work[Dataset]:
        return open_dataset(options.dataset, options.root, size=options.size, fetching=True)

    return _do(options, make, answer)


def poison(options: argparse.Namespace) -> Answer:
    """Clean and triggered images side by side, and how far apart they are."""
    trigger = parse_trigger(options.trigger)
    split = _dataset(options).split(options.split)
    if options.limit < 1:
        raise LabError(f"--limit is a number of images from 1 up, not {options.limit}.")
    clean = np.array(split.images[: options.limit])
    poisoned = trigger(clean)
    with files.new_file(options.out) as aside, aside.open("wb") as file:
        np.savez_compressed(
            file, clean=clean, poisoned=poisoned, labels=split.labels[: options.limit]
        )
    found = evaluation.fidelity(clean, poisoned)
    return {
        "trigger": str(trigger),
        "images": len(clean),
        "psnr_db": round(found.psnr, 3),
        "ssim": round(found.ssim, 5),
        "largest_change": found.largest_change,
        "file": str(options.out),
    }


def train(options: argparse.Namespace) -> Answer:
    """Train a network on poisoned data and keep it as a model."""
    plan = experiment.Plan(
        parse_trigger(options.trigger),
        experiment.paper_target(options.dataset) if options.target is None else options.target,
        options.rate,
        _settings(options),
    )
    run = runs.run_called(options.run or f"train-{options.name}")
    store.check_free(options.name, options.replace or run.checkpoint.exists())

    def make() -> Work[store.Stored]:
        dataset = yield from open_dataset(options.dataset, options.root, size=options.size)
        plan.check(dataset)  # what cannot work is said before the wait
        return (yield from runs.in_turn(run, lambda: trained(dataset)))

    def trained(dataset: Dataset) -> Work[store.Stored]:
        quiet.import_tensorflow()
        return (
            yield from experiment.train(
                dataset,
                plan,
                options.name,
                _command(options),
                run.checkpoint,
                run.stop_requested,
                options.replace,
            )
        )

    return _work(options, run, make, _model_answer)


def import_model(options: argparse.Namespace) -> Answer:
    """Take in a network trained elsewhere (.keras), opened in quarantine, and score it."""
    trigger = parse_trigger(options.trigger)
    store.check_free(options.name)

    def make() -> Work[store.Stored]:
        quiet.import_tensorflow()
        dataset = yield from open_dataset(options.dataset, options.root, size=options.size)
        return (
            yield from experiment.import_model(
                options.file, dataset, trigger, options.target, options.name, _command(options)
            )
        )

    return _do(options, make, _model_answer)


def evaluate(options: argparse.Namespace) -> Answer:
    """Clean accuracy, attack success and recovered accuracy of a model."""
    stored = store.find(options.model)

    def make() -> Work[evaluation.Scores]:
        dataset = yield from _open_for(stored, options)
        return (yield from experiment.evaluate(stored, dataset, options.split))

    def answer(scores: evaluation.Scores) -> Answer:
        return {"model": stored.name, "split": options.split, **scores.as_dict()}

    return _do(options, make, answer)


def confusions(options: argparse.Namespace) -> Answer:
    """Which classes a model takes for which others, on clean images."""
    stored = store.find(options.model)

    def make() -> Work[pd.DataFrame]:
        dataset = yield from _open_for(stored, options)
        return (yield from experiment.confusions(stored, dataset, options.split))

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

    return _do(options, make, answer)


def activations(options: argparse.Namespace) -> Answer:
    """Mean and share of positive values of each channel, on clean and on triggered images."""
    stored = store.find(options.model)
    if options.layer and not options.out:
        raise LabError("With --layer, say where to write the table: --out FILE.csv.")
    _check_place(stored, options)

    def make() -> Work[pd.DataFrame]:
        dataset = yield from _open_for(stored, options)
        layers = [options.layer] if options.layer else []
        return (yield from experiment.measure_activations(stored, dataset, layers))

    def answer(table: pd.DataFrame) -> Answer:
        path = options.out or stored.folder / "activations.csv"
        if options.out:
            store.write_table(options.out, table)
        else:
            stored.keep({"activations": table}, _command(options))
        return {"model": stored.name, "rows": len(table), "file": str(path)}

    return _do(options, make, answer)


def prune(options: argparse.Namespace) -> Answer:
    """The pruning curve, the table at the thresholds, and the repaired models."""
    stored = store.find(options.model)
    find_order(options.order)
    for threshold in options.thresholds:
        check_threshold(threshold)
    _check_place(stored, options)
    layer = options.layer or experiment.last_convolution(stored)

    def make() -> Work[Curve]:
        # What stands beside the model already is what would be computed again.
        quiet.import_tensorflow()
        known = results.stored_curve(stored, layer, options.order)
        if known and not options.out and not options.dataset:
            return known
        dataset = yield from _open_for(stored, options)
        curves = yield from experiment.prune(stored, dataset, layer, [options.order])
        curve = curves[options.order]
        if not options.out:
            stored.keep(results.curve_tables(curve), _command(options))
        return curve

    def answer(curve: Curve) -> Answer:
        thresholds = options.thresholds if options.save else []
        for threshold in thresholds:
            store.check_free(results.repaired_name(stored, curve, threshold), options.replace)
        table = curve.at_thresholds(options.thresholds)
        if options.out:
            store.write_table(options.out / "curve.csv", curve.test)
            store.write_table(options.out / "curve-validation.csv", curve.validation)
            store.write_table(options.out / "thresholds.csv", table)
        saved = [
            results.save_repaired(
                stored,
                curve,
                threshold,
                _command(options),
                replace=options.replace,
                dataset=options.dataset or "",
            ).name
            for threshold in thresholds
        ]
        return {
            "model": stored.name,
            "layer": layer,
            "order": options.order,
            "thresholds": table.round(4).to_dict("records"),
            "files": str(options.out or stored.folder),
            "saved": saved,
        }

    return _do(options, make, answer)


def repair(options: argparse.Namespace) -> Answer:
    """Repair a model with clean validation images alone, and keep the result."""
    stored = store.find(options.model)
    method = parse_repair(options.method)
    store.check_free(options.name, options.replace)

    def make() -> Work[store.Stored]:
        dataset = yield from _open_for(stored, options)
        return (
            yield from experiment.repair(
                stored, dataset, method, options.name, _command(options), options.replace
            )
        )

    def answer(kept: store.Stored) -> Answer:
        return {
            "model": kept.name,
            "folder": str(kept.folder),
            "method": str(method),
            "before": {key: stored.card.scores["test"][key] for key in evaluation.FIGURES},
            "after": {key: kept.card.scores["test"][key] for key in evaluation.FIGURES},
        }

    return _do(options, make, answer)


def reproduce(options: argparse.Namespace) -> Answer:
    """Table 1 and Figures 5 to 8 over one seed or several, beside the paper's own numbers."""
    subjects = reproduction.choose(options.dataset, options.seeds, options.model)
    out = options.out or places.home() / "report" / reproduction.short_name(options.dataset)

    def make() -> Work[Path]:
        quiet.import_tensorflow()
        dataset = yield from open_dataset(options.dataset, options.root)
        return (yield from reproduction.reproduce(subjects, dataset, out, _command(options)))

    def answer(report: Path) -> Answer:
        return {"models": [subject.model for subject in subjects], "report": str(report)}

    return _do(options, make, answer)


def benchmarks(options: argparse.Namespace) -> Answer:
    """The benchmarks, as ratios against the plain way in the same run."""
    quiet.import_tensorflow()
    return _do(
        options,
        lambda: bench.run(options.root),
        lambda found: {"benchmarks": [comparison.row() for comparison in found]},
    )


def report(options: argparse.Namespace) -> Answer:
    """One printable HTML file of a model: what it reads, its channels, its pruning."""
    stored = store.find(options.model)
    view = session_report.View(
        options.layer or experiment.last_convolution(stored),
        find_order(options.order).name,
        check_threshold(options.threshold) if options.threshold else 0.0,
        options.image,
    )
    name = options.dataset or stored.card.dataset
    size = stored.card.image_shape[0]

    def make() -> Work[Split | None]:
        if not available(name, options.root):
            yield Progress(0, 0, "Without images: they are not at hand")
            return None
        return (yield from open_test(name, options.root, size=size))

    def answer(test: Split | None) -> Answer:
        command = session_report.command(stored, name, view)
        session_report.write(options.out, stored, view, test, command)
        return {"model": stored.name, "file": str(options.out)}

    return _do(options, make, answer)


def delete(options: argparse.Namespace) -> Answer:
    """Delete a model of your own; `undelete` brings it back."""
    trash.delete(options.model)
    return {"deleted": options.model}


def undelete(options: argparse.Namespace) -> Answer:
    """Bring back the model of that name that was deleted last."""
    trash.restore(options.model)
    return {"restored": options.model}


def models(options: argparse.Namespace) -> Answer:
    """The models there are, or those named: how they were trained, scores on test images."""
    if options.out and not options.names:
        raise LabError("With --out, name the models to compare.")
    lines = [_line(name) for name in options.names or store.names()]
    if options.out:
        rows = [_comparison(store.find(name)) for name in options.names]
        store.write_table(options.out, pd.DataFrame(rows))
    return {"models": lines}


def _line(name: str) -> Answer:
    try:
        card = store.find(name).card
    except LabError as error:
        return {"name": name, "problem": str(error)}
    scores = {figure: round(card.scores["test"][figure], 2) for figure in evaluation.FIGURES}
    return {"name": name, "dataset": card.dataset, "trigger": card.trigger, **scores}


def _comparison(stored: store.Stored) -> Answer:
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
        **{figure: card.scores["test"][figure] for figure in evaluation.FIGURES},
        "command": card.commands[0],
    }


# What they share


def _settings(options: argparse.Namespace) -> training.Settings:
    """The preset's, but for what the options say."""
    named = ("epochs", "batch", "learning_rate", "schedule", "seed")
    said = {name: value for name in named if (value := getattr(options, name)) is not None}
    return dataclasses.replace(find_preset(options.preset).settings, **said)


def _model_answer(stored: store.Stored) -> Answer:
    card = stored.card
    return {
        "model": stored.name,
        "folder": str(stored.folder),
        "epoch_kept": card.training.get("epoch_kept"),
        "stopped": card.training.get("stopped", False),
        **card.scores["test"],
    }


def _check_place(stored: store.Stored, options: argparse.Namespace) -> None:
    """What stands beside a model is of the dataset on its card; other results go elsewhere."""
    if options.dataset not in (None, stored.card.dataset) and not options.out:
        raise LabError("With --dataset, say where to write the results: --out PATH.")


def _open_for(stored: store.Stored, options: argparse.Namespace) -> Work[Dataset]:
    quiet.import_tensorflow()
    name = options.dataset or stored.card.dataset
    return open_dataset(name, options.root, size=stored.card.image_shape[0])


def _dataset(options: argparse.Namespace) -> Dataset:
    work = open_dataset(options.dataset, options.root, size=options.size)
    return exhaust(work, terminal.Bar())


def _do(
    options: argparse.Namespace,
    make: Callable[[], Work[Result]],
    answer: Callable[[Result], Answer],
) -> Answer:
    """Do the work here; as a run that others can watch and stop if one was named."""
    if not options.run:
        return answer(exhaust(timed(make()), terminal.Bar()))
    run = runs.run_called(options.run)
    return _work(options, run, lambda: until(run.stop_requested, make()), answer)


def _work(
    options: argparse.Namespace,
    run: runs.Run,
    make: Callable[[], Work[Result]],
    answer: Callable[[Result], Answer],
) -> Answer:
    # The first Ctrl-C asks politely, so that what is there is kept; a second one ends it.
    previous = signal.signal(signal.SIGINT, lambda *_: _ask_to_stop(run))
    try:
        return runs.work(run, options.arguments, lambda: timed(make()), answer, terminal.Bar())
    finally:
        signal.signal(signal.SIGINT, previous)


def _ask_to_stop(run: runs.Run) -> None:
    if run.stop_requested():
        raise KeyboardInterrupt
    print("\nStopping; once more to give up at once.", file=sys.stderr)
    run.stop()


def _command(options: argparse.Namespace) -> str:
    """The command line as a card names it: without what belongs to one machine or one call."""
    words = iter(options.arguments)
    kept = []
    for word in words:
        if word in ("--json", "--replace"):
            continue
        if word in ("--root", "--run", "--out"):
            next(words, None)
        elif not word.startswith(("--root=", "--run=", "--out=")):
            kept.append(word)
    return shlex.join(["python", "-m", "engine", *kept])
