"""An on-disk cache of decoded datasets, read back as memory-mapped arrays."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from engine.core import atomic_files, paths
from engine.core.errors import UserError
from engine.datasets.dataset import SPLITS, Dataset, Split

FORMAT = 3


def key(name: str, origins: Iterable[Path], size: int, seed: int) -> str:
    """The cache key of a dataset read from the files `origins`; changes whenever they do.

    Raises:
        OSError: one of the files cannot be inspected.
    """
    seen = [sorted(_marks(str(origin), origin.stat())) for origin in origins]
    text = json.dumps([FORMAT, name, size, seed, seen])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _marks(path: str, about: os.stat_result) -> Iterator[tuple[str, int, int]]:
    """Path, size in bytes and modification time of a file, or of everything below a folder."""
    yield path, about.st_size, about.st_mtime_ns
    if stat.S_ISDIR(about.st_mode):
        with os.scandir(path) as entries:  # pathlib takes five times as long for 50,000 images
            for entry in entries:
                yield from _marks(entry.path, entry.stat(follow_symlinks=False))


def load(key: str) -> Dataset | None:
    """The dataset cached under `key`, memory-mapped; None if it is missing or damaged."""
    folder = paths.cache_folder() / "datasets" / key
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        class_names = tuple(about["class_names"])
        side = about["size"]
        splits = {name: _load_split(folder, name, about["images"][name], side) for name in SPLITS}
        for split in splits.values():
            _check(split.labels.min() >= 0 and split.labels.max() < len(class_names))
        return Dataset(about["name"], class_names, **splits)
    except Exception:  # damaged files make NumPy fail in many ways; all mean "read it again"
        return None


def load_test(key: str) -> Split | None:
    """The test split cached by `keep_test`, memory-mapped; None if it is missing or damaged."""
    try:
        return _mapped(paths.cache_folder() / "datasets" / f"{key}-test", "test")
    except Exception:  # as in `load`
        return None


def keep_test(key: str, test: Split) -> Split:
    """Cache a test split on its own and return it memory-mapped.

    If the cache cannot be written, returns `test` itself.
    """
    folder = paths.cache_folder() / "datasets" / f"{key}-test"
    try:
        with atomic_files.new_folder(folder, replace=True) as aside:
            _save(aside, "test", test)
    except UserError:
        return test
    return load_test(key) or test


def _save(folder: Path, name: str, split: Split) -> None:
    np.save(folder / f"{name}-images.npy", split.images)
    np.save(folder / f"{name}-labels.npy", split.labels)
    if split.tracks is not None:
        np.save(folder / f"{name}-tracks.npy", split.tracks)


def _mapped(folder: Path, name: str) -> Split:
    images = np.load(folder / f"{name}-images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / f"{name}-labels.npy", allow_pickle=False)
    _check(images.dtype == np.uint8 and labels.dtype == np.int64)
    _check(images.ndim == 4 and images.shape[:1] == labels.shape)
    if not (folder / f"{name}-tracks.npy").exists():
        return Split(images, labels)
    tracks = np.load(folder / f"{name}-tracks.npy", allow_pickle=False)
    _check(tracks.dtype == np.int64 and tracks.shape == labels.shape)
    return Split(images, labels, tracks)


def _load_split(folder: Path, name: str, count: int, side: int) -> Split:
    split = _mapped(folder, name)
    _check(split.images.shape == (count, side, side, 3))
    return split


def _check(whole: bool) -> None:
    if not whole:
        raise ValueError("damaged")


def keep(key: str, dataset: Dataset) -> Dataset:
    """Cache `dataset` under `key` and return it memory-mapped.

    If the cache cannot be written, returns `dataset` itself.
    """
    folder = paths.cache_folder() / "datasets" / key
    try:
        with atomic_files.new_folder(folder, replace=True) as aside:
            for name in SPLITS:
                _save(aside, name, dataset.split(name))
            about = {
                "name": dataset.name,
                "class_names": dataset.class_names,
                "size": dataset.image_shape[0],
                "images": {name: len(dataset.split(name)) for name in SPLITS},
            }
            (aside / "about.json").write_text(json.dumps(about), encoding="utf-8")
    except UserError:
        return dataset  # without a cache the work only takes longer
    return load(key) or dataset
