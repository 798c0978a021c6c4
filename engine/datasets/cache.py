"""Datasets as memory-mapped arrays, kept from one start to the next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine import files, places
from engine.datasets.dataset import SPLITS, Dataset, Split
from engine.errors import LabError

FORMAT = 1


def key(name: str, origins: Iterable[Path], size: int, seed: int) -> str:
    """A name for the dataset as read from these files; it changes when one of them does."""
    seen = [
        (str(file), file.stat().st_size, file.stat().st_mtime_ns)
        for origin in origins
        for file in ([origin] if origin.is_file() else _marks(origin))
    ]
    text = json.dumps([FORMAT, name, size, seed, seen])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _marks(folder: Path) -> list[Path]:
    """What changes when files come or go below `folder`: its folders, and its tables."""
    return sorted(path for path in folder.rglob("*") if path.is_dir() or path.suffix == ".csv")


def load(key: str) -> Dataset | None:
    """The dataset kept under `key`, memory-mapped; None if there is none, or not whole."""
    folder = places.cache_folder() / "datasets" / key
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        splits = {name: _load_split(folder, name, about["images"][name]) for name in SPLITS}
        return Dataset(about["name"], tuple(about["class_names"]), **splits)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _load_split(folder: Path, name: str, count: int) -> Split:
    images = np.load(folder / f"{name}-images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / f"{name}-labels.npy", allow_pickle=False)
    if not len(images) == len(labels) == count:
        raise ValueError("not whole")
    return Split(images, labels)


def keep(key: str, dataset: Dataset) -> Dataset:
    """Keep `dataset` under `key` and give it back memory-mapped; as it is if there is no room."""
    folder = places.cache_folder() / "datasets" / key
    try:
        with files.new_folder(folder, replace=True) as aside:
            for name in SPLITS:
                split = dataset.split(name)
                np.save(aside / f"{name}-images.npy", split.images)
                np.save(aside / f"{name}-labels.npy", split.labels)
            about = {
                "name": dataset.name,
                "class_names": dataset.class_names,
                "images": {name: len(dataset.split(name)) for name in SPLITS},
            }
            (aside / "about.json").write_text(json.dumps(about), encoding="utf-8")
    except LabError:
        return dataset  # a cache that cannot be written costs time, not the work
    return load(key) or dataset
