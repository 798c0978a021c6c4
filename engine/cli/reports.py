"""Commands that report: the paper's tables and figures, one model, the benchmarks."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.cluster_options import cluster_options, show_datasets
from engine.cli.options import (
    MODEL,
    ModelChoice,
    Parsed,
    dataset_argument,
    layer_option,
    model_choice,
    order_option,
    out_option,
    parse_seeds,
)
from engine.cli.shared import Answer, Call, command, long_work, recorded_command
from engine.core import paths, progress, tensorflow_runtime
from engine.core.errors import unknown
from engine.datasets import (
    Split,
    available,
    load_dataset,
    missing_message,
    open_test,
    short_name,
)
from engine.defenses.pruning.curve import check_threshold
from engine.defenses.pruning.orders import find_order
from engine.experiments import analyze, benchmarks
from engine.experiments.sweeps.train_networks import train_missing
from engine.experiments.workers.dask_cluster import DaskCluster
from engine.reporting import model_report, reproduction
from engine.store import StoredModel


@command("reproduce")
@dataset_argument
@click.option(
    "--seeds",
    type=Parsed("0,1,2", parse_seeds),
    help="Seeds of the networks; those that are missing are trained first. 0 if left out.",
)
@click.option("--model", type=MODEL, help="Report on this model alone, not on DATASET-ftrojan.")
@cluster_options
@out_option("DIR", "Write the report there; report/DATASET if left out.")
@long_work
def reproduce(
    dataset: str,
    seeds: list[int] | None,
    model: str | None,
    cluster: DaskCluster | None,
    out: Path | None,
    call: Call,
) -> Answer:
    """Write the paper's Table 1 and Figures 5 to 8."""
    if seeds and model:
        raise click.UsageError("Give --seeds or --model, not both.", click.get_current_context())
    subjects = reproduction.choose(dataset, seeds or [0], model)
    folder = out or paths.home() / "report" / short_name(dataset)

    def work() -> Answer:
        images = load_dataset(dataset, call.root)
        if cluster is not None:
            show_datasets(call.root)
            train_missing(reproduction.cells_of(subjects, dataset), cluster)
        tensorflow_runtime.import_tensorflow()
        report = reproduction.reproduce(subjects, images, folder, recorded_command())
        return {"models": [subject.model for subject in subjects], "report": str(report)}

    return call.run(work)


@command("report")
@model_choice
@click.option("--image", type=int, help="Index of a test image to show; none if left out.")
@layer_option
@order_option
@click.option(
    "--threshold",
    type=float,
    default=20.0,
    help="Drop in clean accuracy at which pruning stops, in percentage points; 0 prunes nothing.",
)
@out_option("FILE.html", "Write the report there.", required=True)
@long_work
def report(
    choice: ModelChoice,
    image: int | None,
    layer: str | None,
    order: str,
    threshold: float,
    out: Path,
    call: Call,
) -> Answer:
    """Write a printable HTML report on one model."""
    view = model_report.View(
        _find_layer(choice.stored, layer),
        find_order(order).name,
        check_threshold(threshold) if threshold else 0.0,
    )

    def work() -> Answer:
        test = _test_images(choice, call)
        example = None
        if test is not None and image is not None:
            example = model_report.test_example(test, image)
        made_by = model_report.command(choice.stored, choice.dataset, view, image)
        model_report.write(out, choice.stored, view, example, made_by)
        return {"model": choice.stored.name, "file": str(out)}

    return call.run(work)


def _find_layer(stored: StoredModel, layer: str | None) -> str:
    names = stored.convolutions()
    if layer and layer not in names:
        raise unknown("convolution", layer, names)
    return layer or analyze.last_convolution(stored)


def _test_images(choice: ModelChoice, call: Call) -> Split | None:
    """The test images, or None if the dataset's files are missing."""
    if not available(choice.dataset, call.root):
        missing = missing_message(choice.dataset, call.root)  # fails if there is no such dataset
        progress.report(0, 0, f"Without images. {missing}")
        return None
    return open_test(choice.dataset, call.root, size=choice.stored.card.image_shape[0])


@command("bench")
@long_work
def bench(call: Call) -> Answer:
    """Run the benchmarks."""

    def work() -> Answer:
        tensorflow_runtime.import_tensorflow()
        found = benchmarks.run(call.root)
        return {"benchmarks": [comparison.row() for comparison in found]}

    return call.run(work)
