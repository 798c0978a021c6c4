"""Datasets by name. To add one to the program, add its source to `sources` (docs/extending.md).

To add images of one's own, see `own`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from engine.core import command_line, paths
from engine.core.errors import UserError, quoted, unknown
from engine.core.limited_reading import unreadable
from engine.datasets import cache, own
from engine.datasets.dataset import SPLITS, Dataset, Split, SplitName
from engine.datasets.decoding import check_size
from engine.datasets.download import fetch
from engine.datasets.folder import Folder
from engine.datasets.own import Own
from engine.datasets.source import ClassFirst, Found, Parts, Source, TestFirst, lying_there
from engine.datasets.sources import SOURCES
from engine.datasets.split_folders import joined

_SAME_CLASSES = (("signs", "gtsrb"),)
Root = str | os.PathLike[str] | None


def source(name: str) -> Source:
    """The source of the dataset called `name`.

    Raises:
        UserError: there is no such dataset; lists those there are.
    """
    if name.startswith("folder:") and name != "folder:":
        return Folder(name.removeprefix("folder:"))
    if name in SOURCES:
        return SOURCES[name]
    if name in own.names():
        return Own(name)
    raise unknown("dataset", name, dataset_names())


def dataset_names() -> tuple[str, ...]:
    """The names of all datasets, and the form of name for a folder that is none yet."""
    return (*SOURCES, *own.names(), "folder:PATH")


def default_size(name: str) -> int:
    """Side of a dataset's images in pixels, where none is asked for.

    Raises:
        UserError: there is no such dataset, or its description is damaged.
    """
    return source(name).default_size


def dataset_title(name: str) -> str:
    """The dataset's name for use in a sentence, such as "GTSRB"; for a folder, its last part."""
    if name.startswith("folder:"):
        return Path(name.removeprefix("folder:")).name or name
    return (SOURCES[name].title or name) if name in SOURCES else name


def default_target(name: str) -> int:
    """The default target class of attacks on the dataset."""
    return source(name).default_target


def example_class(name: str) -> int:
    """The class whose images the pages show first."""
    return source(name).example_class


def can_mirror(name: str) -> bool:
    """Whether a mirror image always shows the same class; False if nobody has said so."""
    try:
        return source(name).can_mirror
    except UserError:
        return False


def is_grey(name: str) -> bool:
    """Whether all images are grey; False if nobody has said so."""
    try:
        return source(name).is_grey
    except UserError:
        return False


def available(name: str, root: Root = None) -> bool:
    """Whether the dataset's files exist; they are not checked for damage."""
    try:
        return _locate(source(name), paths.data_root(root)) is not None
    except UserError:
        return False


def alike(name: str) -> tuple[str, ...]:
    """`name` itself, followed by the other datasets with the same classes."""
    others = [other for group in _SAME_CLASSES if name in group for other in group]
    return (name, *(other for other in others if other != name))


def short_name(dataset: str) -> str:
    """The dataset's part in the names of models and result folders.

    Raises:
        UserError: the name of a ``folder:`` dataset has no letters or digits.
    """
    if not dataset.startswith("folder:"):
        return dataset
    # The prefix distinguishes a folder called "gtsrb" from GTSRB.
    words = re.findall(r"[a-z0-9]+", Path(dataset.removeprefix("folder:")).name.lower())
    if not words:
        raise UserError(f"No name follows from {quoted(dataset)}: give --model NAME and --out DIR.")
    return "-".join(["folder", *words])[:60]


def fetchable(name: str, root: Root = None) -> bool:
    """Whether the dataset can be downloaded from its official address.

    It is not where a folder of its name holds something else: the user's copy, in a form that is
    not recognised.
    """
    kind = source(name)
    return bool(kind.downloads) and not _lying_there(kind, paths.data_root(root))


def missing_message(name: str, root: Root = None) -> str:
    """Error message for missing files: which files to put where.

    Raises:
        UserError: there is no such dataset, or its description is damaged.
    """
    kind = source(name)
    folder = paths.data_root(root)
    if isinstance(kind, Folder):
        return f"There are no images at {kind.place(folder)}: put there {kind.wanted}."
    if isinstance(kind, Own):
        return (
            f"The images of the dataset '{name}' are not at {kind.place} any more: put them back,"
            f" or remove the dataset with `{command_line.command('data', 'remove', name)}`."
        )
    others = _lying_there(kind, folder)
    if others:
        return (
            f"{others[0].parent} holds {joined(path.name for path in others)}, but not {name} in a"
            f" form that is recognised: put there {kind.wanted}."
        )
    text = f"The dataset {name} is not here: put {kind.wanted} into {folder / name}"
    return f"{text}, or fetch it with `{command_line.command('data', name)}`."


def load_dataset(
    name: str, root: Root = None, size: int | None = None, seed: int = 0, fetching: bool = False
) -> Dataset:
    """Load a dataset, from the cache if possible, else from its files.

    Args:
        name: one of `dataset_names`.
        root: folder that holds the datasets; see `paths.data_root`.
        size: side of the images in pixels; None: the dataset's own, see `default_size`.
        seed: decides which images are for validation.
        fetching: whether to download missing files.

    Raises:
        UserError: files are missing or damaged; says what to do.
    """
    kind, folder = source(name), paths.data_root(root)
    size = _checked_size(kind, size)
    found = _locate(kind, folder)
    if found is None and fetching and fetchable(name, root):
        fetch(kind.downloads, folder / name)
        found = _locate(kind, folder)
    if found is None:
        raise UserError(missing_message(name, root))
    key = _key(name, folder, found, size, seed)
    known = cache.load(key)
    if known is not None:
        return known
    parts = kind.read(found.open(), size, np.random.default_rng(seed))
    return cache.keep(key, _build_dataset(name, parts))


def open_test(name: str, root: Root = None, size: int | None = None, seed: int = 0) -> Split:
    """Load only the test split of a dataset, if its source can read it separately.

    Takes the same arguments as `load_dataset` and gives the same test images.

    Raises:
        UserError: files are missing or damaged; says what to do.
    """
    kind, folder = source(name), paths.data_root(root)
    size = _checked_size(kind, size)
    found = _locate(kind, folder)
    if found is None or not isinstance(kind, TestFirst):
        return (load_dataset(name, root, size, seed)).test
    key = _key(name, folder, found, size, seed)
    whole = cache.load(key)
    known = whole.test if whole else cache.load_test(key)
    if known is not None:
        return known
    test = kind.read_test(found.open(), size, np.random.default_rng(seed))
    return cache.keep_test(key, test)


def open_test_class(
    name: str, label: int, root: Root = None, size: int | None = None, seed: int = 0
) -> tuple[np.ndarray, Split]:
    """The test images of one class; at once, if its source can provide them before the others.

    Args:
        name, root, size, seed: as for `load_dataset`.
        label: the class.

    Returns:
        Their indices in the test split, int64 [n], and the images.

    Raises:
        UserError: files are missing or damaged; says what to do.
    """
    kind, folder = source(name), paths.data_root(root)
    size = _checked_size(kind, size)
    if isinstance(kind, ClassFirst) and not is_test_cached(name, root, size, seed):
        found = _locate(kind, folder)
        if found is not None:
            rng = np.random.default_rng(seed)
            return kind.read_test_class(found.open(), size, label, rng)
    test = open_test(name, root, size, seed)
    indices = np.flatnonzero(test.labels == label)
    return indices, test.take(indices)


def first_by_class(name: str) -> bool:
    """Whether `open_test_class` can give one class before the others."""
    return isinstance(source(name), ClassFirst)


def is_test_cached(name: str, root: Root = None, size: int | None = None, seed: int = 0) -> bool:
    """Whether `open_test` has nothing to read or draw anew."""
    kind, folder = source(name), paths.data_root(root)
    size = _checked_size(kind, size)
    found = _locate(kind, folder)
    if found is None:
        return False
    key = _key(name, folder, found, size, seed)
    return cache.load(key) is not None or cache.load_test(key) is not None


def find_cached(
    name: str, root: Root = None, size: int | None = None, seed: int = 0
) -> Dataset | None:
    """The dataset if it is in the cache, so that nothing has to be read or drawn; else None."""
    kind, folder = source(name), paths.data_root(root)
    found = _locate(kind, folder)
    if found is None:
        return None
    return cache.load(_key(name, folder, found, _checked_size(kind, size), seed))


def _checked_size(kind: Source, size: int | None) -> int:
    """The size asked for, or the dataset's own; raises unless images can have it."""
    size = kind.default_size if size is None else size
    check_size(size)
    return size


def _lying_there(kind: Source, folder: Path) -> list[Path]:
    try:
        return lying_there(folder, kind.name, kind.downloads)
    except OSError:
        return []


def _key(name: str, folder: Path, found: Found, size: int, seed: int) -> str:
    try:
        return cache.key(name, found.origins, size, seed)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _locate(kind: Source, folder: Path) -> Found | None:
    try:
        return kind.locate(folder)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: OSError) -> UserError:
    return unreadable(Path(error.filename or folder), error)


def _build_dataset(name: str, parts: Parts) -> Dataset:
    if not parts.validation.any():
        raise UserError(
            "There are too few training images to set some aside for validation:"
            " at least one class needs two images, or two tracks in GTSRB."
        )
    train = parts.train.take(np.flatnonzero(~parts.validation))
    validation = parts.train.take(np.flatnonzero(parts.validation))
    return Dataset(name, parts.class_names, train, validation, parts.test)


__all__ = [
    "SOURCES",
    "SPLITS",
    "Dataset",
    "Split",
    "SplitName",
    "alike",
    "available",
    "dataset_names",
    "dataset_title",
    "default_size",
    "default_target",
    "example_class",
    "fetchable",
    "find_cached",
    "first_by_class",
    "is_grey",
    "is_test_cached",
    "load_dataset",
    "missing_message",
    "open_test",
    "open_test_class",
    "own",
]
