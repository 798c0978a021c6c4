"""Commands on images: what a dataset holds, what a trigger does to it."""

from __future__ import annotations

import argparse

import numpy as np

from engine.attacks.triggers import parse_trigger
from engine.cli.commands.shared import Answer, dataset_named, do
from engine.core import atomic_files
from engine.core.errors import UserError
from engine.datasets import SPLITS, Dataset, contact_sheet, open_dataset
from engine.evaluation import visibility


def data(options: argparse.Namespace) -> Answer:
    """Classes, image shape and images per split; fetches what may be fetched."""

    def answer(dataset: Dataset) -> Answer:
        if options.sheet:
            contact_sheet.save(
                options.sheet, contact_sheet.drawn(dataset.test, dataset.class_names)
            )
        return {
            "dataset": dataset.name,
            "classes": dataset.classes,
            "image_shape": list(dataset.image_shape),
            "images": {name: len(dataset.split(name)) for name in SPLITS},
        }

    def make() -> Dataset:
        return open_dataset(options.dataset, options.root, size=options.size, fetching=True)

    return do(options, make, answer)


def poison(options: argparse.Namespace) -> Answer:
    """Clean and triggered images side by side, and how far apart they are."""
    trigger = parse_trigger(options.trigger)
    split = dataset_named(options).split(options.split)
    if options.limit < 1:
        raise UserError(f"--limit is a number of images from 1 up, not {options.limit}.")
    clean = np.array(split.images[: options.limit])
    poisoned = trigger(clean)
    with atomic_files.new_file(options.out) as aside, aside.open("wb") as file:
        np.savez_compressed(
            file, clean=clean, poisoned=poisoned, labels=split.labels[: options.limit]
        )
    found = visibility.measure(clean, poisoned)
    return {
        "trigger": str(trigger),
        "images": len(clean),
        "psnr_db": round(found.psnr, 3),
        "ssim": round(found.ssim, 5),
        "largest_change": found.largest_change,
        "file": str(options.out),
    }
