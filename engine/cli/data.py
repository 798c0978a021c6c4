"""Commands on images: datasets, and what a trigger does to images."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from engine.attacks import grey_images
from engine.attacks.triggers import Trigger
from engine.cli.options import (
    NAME,
    File,
    ImageOptions,
    Parsed,
    gathered,
    image_options,
    out_option,
    split_option,
    trigger_option,
)
from engine.cli.shared import Answer, Call, command, long_work
from engine.core import atomic_files
from engine.core.errors import UserError
from engine.datasets import (
    SOURCES,
    SPLITS,
    available,
    contact_sheet,
    dataset_names,
    findings,
    own,
)
from engine.datasets.findings import Options
from engine.evaluation import visibility


def _options(
    class_names: Path | None, track_pattern: str, size: int | None, skip_damaged: bool
) -> Options:
    return Options({}, class_names, track_pattern, size, skip_damaged)


@command("data")
@image_options
@click.option("--sheet", type=File("FILE.png"), help="Draw some test images of each class there.")
@long_work
def data(images: ImageOptions, sheet: Path | None, call: Call) -> Answer:
    """Show what a dataset contains; download it first if necessary."""

    def work() -> Answer:
        dataset = images.load(call.root, fetch=True)
        if sheet:
            contact_sheet.save(sheet, contact_sheet.drawn(dataset.test, dataset.class_names))
        answer = {
            "dataset": dataset.name,
            "classes": dataset.classes,
            "image_shape": list(dataset.image_shape),
            "images": {name: len(dataset.split(name)) for name in SPLITS},
        }
        if dataset.name in own.names():
            about = own.Own(dataset.name).description
            answer["left_out"] = list(about.left_out) or "nothing"
        return {**answer, "per_class": dataset.per_class()}

    return call.run(work)


@command("data list")
def data_list() -> Answer:
    """List the datasets there are."""
    rows = []
    for name in dataset_names():
        if name in SOURCES:
            kind = SOURCES[name]
            files = "official download" if kind.downloads else kind.wanted
            state = "here" if available(name) else "not here"
            rows.append({"dataset": name, "state": state, "files": files})
        elif name in own.names():
            rows.append({"dataset": name, **_state_of_own(name)})
    return {"datasets": rows}


def _state_of_own(name: str) -> dict[str, str]:
    try:
        place = str(own.Own(name).place)
    except UserError as error:
        return {"state": str(error), "files": ""}
    return {"state": "here" if available(name) else "not here", "files": place}


path_argument = click.argument(
    "path", type=File("PATH"), help="A folder or zip, with a folder of images for each class."
)
own_options = gathered(
    "options",
    _options,
    click.option(
        "--class-names",
        type=File("FILE"),
        help="Names of the classes: a text file with one on each line, in the order of the"
        " folders, or a CSV file with ids and names.",
    ),
    click.option(
        "--track-pattern",
        type=Parsed("REGEX"),
        default="",
        show_default=False,
        help="A regular expression for file names. Its first group tells objects apart: images of"
        " the same object are never in two splits.",
    ),
    click.option(
        "--size",
        type=int,
        help="Side of the images in pixels; that of most images if left out, 64 at most.",
    ),
    click.option("--skip-damaged", is_flag=True, help="Go on without images that cannot be read."),
)


@command("data check")
@path_argument
@own_options
@long_work
def data_check(path: Path, options: Options, call: Call) -> Answer:
    """Look through a folder or zip of images before adding it."""

    def work() -> Answer:
        return findings.describe(findings.examine(path.resolve(), options))

    return call.run(work)


@command("data add")
@click.argument("name", type=NAME, help="What the dataset is called from then on.")
@path_argument
@own_options
@click.option("--copy", is_flag=True, help="Keep a copy of the zip; else it is read where it is.")
@long_work
def data_add(name: str, path: Path, options: Options, copy: bool, call: Call) -> Answer:
    """Make a dataset of your own of a folder or zip of images.

    Folders called train, test and so on are recognised as splits; without them a fifth of the
    images is for the test. Everything that is not used is listed.
    """

    def work() -> Answer:
        found = own.add(name, path, options, copy)
        return {"dataset": name, **findings.describe(found)}

    return call.run(work)


@command("data remove")
@click.argument("name", type=NAME, help="Name of a dataset of your own.")
def data_remove(name: str) -> Answer:
    """Remove a dataset of your own; images outside of it stay."""
    own.remove(name)
    return {"removed": name}


@command("poison")
@image_options
@trigger_option
@split_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="INTEGER",
    default=100,
    help="Number of images.",
)
@out_option("FILE.npz", "Write clean and triggered images and their labels there.", required=True)
@long_work
def poison(
    images: ImageOptions, trigger: Trigger, split: str, limit: int, out: Path, call: Call
) -> Answer:
    """Put a trigger on images and measure how much it changes them."""

    def work() -> Answer:
        chosen = images.load(call.root).split(split)
        clean, labels = np.array(chosen.images[:limit]), chosen.labels[:limit]
        poisoned = trigger(clean)
        with atomic_files.new_file(out) as aside, aside.open("wb") as file:
            np.savez_compressed(file, clean=clean, poisoned=poisoned, labels=labels)
        found = visibility.measure(clean, poisoned)
        note = {"note": grey_images.NOTE} if grey_images.adds_colour(clean, poisoned) else {}
        return {
            "trigger": str(trigger),
            "images": len(clean),
            "psnr_db": round(found.psnr, 3),
            "ssim": round(found.ssim, 5),
            "largest_change": found.largest_change,
            "file": str(out),
            **note,
        }

    return call.run(work)
