"""Commands that report: the paper's tables and figures, the benchmarks, one model."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine import store
from engine.cli.commands.shared import Answer, command_line, do
from engine.core import paths, progress, tensorflow_runtime
from engine.datasets import Split, available, open_dataset, open_test, short_name
from engine.defenses.pruning.curve import check_threshold
from engine.defenses.pruning.orders import find_order
from engine.experiments import analyze, benchmarks
from engine.reporting import model_report, reproduction


def reproduce(options: argparse.Namespace) -> Answer:
    """Table 1 and Figures 5 to 8 over one seed or several, beside the paper's own numbers."""
    subjects = reproduction.choose(options.dataset, options.seeds, options.model)
    out = options.out or paths.home() / "report" / short_name(options.dataset)

    def make() -> Path:
        tensorflow_runtime.import_tensorflow()
        dataset = open_dataset(options.dataset, options.root)
        return reproduction.reproduce(subjects, dataset, out, command_line(options))

    def answer(report: Path) -> Answer:
        return {"models": [subject.model for subject in subjects], "report": str(report)}

    return do(options, make, answer)


def bench_all(options: argparse.Namespace) -> Answer:
    """The benchmarks, as ratios against the plain way in the same run."""
    tensorflow_runtime.import_tensorflow()
    return do(
        options,
        lambda: benchmarks.run(options.root),
        lambda found: {"benchmarks": [comparison.row() for comparison in found]},
    )


def report(options: argparse.Namespace) -> Answer:
    """One printable HTML file of a model: what it reads, its channels, its pruning."""
    stored = store.find(options.model)
    view = model_report.View(
        options.layer or analyze.last_convolution(stored),
        find_order(options.order).name,
        check_threshold(options.threshold) if options.threshold else 0.0,
        options.image,
    )
    name = options.dataset or stored.card.dataset
    size = stored.card.image_shape[0]

    def make() -> Split | None:
        if not available(name, options.root):
            progress.report(0, 0, "Without images: they are not at hand")
            return None
        return open_test(name, options.root, size=size)

    def answer(test: Split | None) -> Answer:
        command = model_report.command(stored, name, view)
        model_report.write(options.out, stored, view, test, command)
        return {"model": stored.name, "file": str(options.out)}

    return do(options, make, answer)
