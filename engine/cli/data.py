"""Commands on images: what a dataset contains, what a trigger does to its images."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from engine.attacks.triggers import Trigger
from engine.cli.options import (
    File,
    ImageOptions,
    image_options,
    out_option,
    split_option,
    trigger_option,
)
from engine.cli.shared import Answer, Call, command, long_work
from engine.core import atomic_files
from engine.datasets import SPLITS, contact_sheet
from engine.evaluation import visibility


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
        return {
            "dataset": dataset.name,
            "classes": dataset.classes,
            "image_shape": list(dataset.image_shape),
            "images": {name: len(dataset.split(name)) for name in SPLITS},
        }

    return call.run(work)


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
        return {
            "trigger": str(trigger),
            "images": len(clean),
            "psnr_db": round(found.psnr, 3),
            "ssim": round(found.ssim, 5),
            "largest_change": found.largest_change,
            "file": str(out),
        }

    return call.run(work)
