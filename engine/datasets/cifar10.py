"""CIFAR-10: the official binary and Python archives, and class-per-folder copies."""

from __future__ import annotations

import io
import pickle
import pickletools
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np

from engine.core import progress
from engine.core.errors import UserError, quoted
from engine.core.limited_reading import Unfit, refusing
from engine.datasets import archives, class_folders, splits
from engine.datasets.archives import Files
from engine.datasets.class_folders import ClassFolders
from engine.datasets.dataset import Split
from engine.datasets.decoding import check_size
from engine.datasets.download import Download
from engine.datasets.image_tree import is_image
from engine.datasets.source import Found, Parts, Source, folder_names, folders, walk
from engine.datasets.split_names import roles_of

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
ADDRESS = "https://www.cs.toronto.edu/~kriz/"
BINARY = "cifar-10-binary.tar.gz"
PYTHON = "cifar-10-python.tar.gz"
_TRAIN_BATCHES = [f"data_batch_{number}" for number in range(1, 6)]
_BATCHES = [*_TRAIN_BATCHES, "test_batch"]
_BINARIES = [f"{batch}.bin" for batch in _BATCHES]
_RECORD = 1 + 3 * 32 * 32
VALIDATION_SHARE = 0.1
MAX_STEPS = 1_000_000  # pickle opcodes; a genuine batch has about 50,000
_MEMO_WRITES = ("PUT", "BINPUT", "LONG_BINPUT")  # each with an index into a table


class Cifar10(Source):
    """50,000 training and 10,000 test images of 10 classes."""

    name = "cifar10"
    title = "CIFAR-10"
    downloads = (
        Download(
            ADDRESS + BINARY,
            BINARY,
            "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
        ),
    )
    wanted = f"{BINARY} or {PYTHON}, or a zip or folder with train/CLASS/ and test/CLASS/"
    class_names = CLASS_NAMES
    can_mirror = True
    default_target = 8  # as in the FTrojan authors' reference code; there is no class 10

    def locate(self, root: Path) -> Found | None:
        """See `Source.locate`."""
        for folder in folders(root, self.name):
            for archive, members in ((BINARY, _BINARIES), (PYTHON, _BATCHES)):
                if (folder / archive).is_file():
                    path = folder / archive
                    return Found((path,), partial(archives.from_tar, path, members))
            own = folder != root
            for place, names in walk(folder, 2 if own else 0):
                for unpacked in ("cifar-10-batches-bin", "cifar-10-batches-py"):
                    if unpacked in names and (place / unpacked).is_dir():
                        path = place / unpacked
                        return Found((path,), partial(archives.from_folder, path))
            zips = sorted(folder.glob("*.zip") if own else folder.glob("cifar*.zip"))
            if zips:
                return class_folders.locate(zips[0])
            levels = walk(folder, 3) if own else ()
            if any("train" in roles_of(folder_names(names)).values() for _, names in levels):
                return class_folders.locate(folder)
        return None

    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """See `Source.read`; validation is a random tenth of each class."""
        check_size(size)
        if any(is_image(name) for name in files):
            return ClassFolders(CLASS_NAMES).read(files, size, rng)
        places = {name.rpartition("/")[2]: name for name in files}
        binary = any(name.endswith(".bin") for name in files)
        batches = []
        for number, batch in enumerate(_BATCHES):
            progress.report(number, len(_BATCHES), "Reading CIFAR-10")
            name = f"{batch}.bin" if binary else batch
            data = files.read(places.get(name, name))
            batches.append(_from_binary(data, name) if binary else _from_pickle(data, name))
        *train, test = (Split(_resize(images, size), labels) for images, labels in batches)
        whole = Split(
            np.concatenate([split.images for split in train]),
            np.concatenate([split.labels for split in train]),
        )
        validation = splits.stratified(whole.labels, VALIDATION_SHARE, rng)
        return Parts(CLASS_NAMES, whole, test, validation)


def _from_binary(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Records of one label byte and three planes of 32x32."""
    if not data or len(data) % _RECORD:
        raise UserError(f"{name} is not made of whole CIFAR-10 records of {_RECORD} bytes.")
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    return _check_batch(records[:, 1:], records[:, 0], name)


def _from_pickle(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    with refusing(name, "it is not a CIFAR-10 batch", archives.COPY_AGAIN):
        batch = _Inert(data).load()
        pixels = batch[b"data"]
        raw = pixels.data if isinstance(pixels, _Array) else b""
        records = np.frombuffer(raw, np.uint8).reshape(-1, _RECORD - 1)
        labels = np.array([int(label) for label in batch[b"labels"]], np.int64)
    return _check_batch(records, labels, name)


class _Array:
    """Replaces NumPy's array during unpickling: holds the bytes and runs no code."""

    data = b""

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if isinstance(state[-1], bytes):
            self.data = state[-1]


def _check_opcodes(data: bytes) -> None:
    """Refuse a pickle that would cost far more than it brings, before anything acts on it.

    Reading a length that goes beyond the data, `pickletools` raises a `ValueError`. The C
    unpickler would first allocate that much: a pickle of ten bytes can ask for 64 GB.
    """
    for steps, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if steps >= MAX_STEPS:
            raise Unfit("it is far longer than a CIFAR-10 batch")
        if opcode.name in _MEMO_WRITES and int(argument or 0) > MAX_STEPS:
            raise Unfit("it asks for far more memory than a CIFAR-10 batch")


class _Inert(pickle.Unpickler):
    """An unpickler that resolves only the few names a CIFAR-10 batch needs."""

    def __init__(self, data: bytes) -> None:
        _check_opcodes(data)
        super().__init__(io.BytesIO(data), encoding="bytes")
        self._letters = len(data)

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in ("_reconstruct", "ndarray", "dtype"):
            return _Array
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return self._latin_1
        self._refuse(module, name)

    def _latin_1(self, text: str, _: str) -> bytes:
        self._letters -= len(text)
        if self._letters < 0:
            raise ValueError("it repeats the same text too often")
        return text.encode("latin-1")

    def _refuse(self, module: str, name: str) -> NoReturn:
        raise UserError(
            f"This CIFAR-10 batch refers to {quoted(f'{module}.{name}')},"
            " which no genuine batch does: do not use it."
        )


def _check_batch(
    records: np.ndarray, labels: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray]:
    if len(records) != len(labels) or not len(labels):
        raise UserError(f"{name} has {len(records)} images but {len(labels)} labels.")
    if labels.min() < 0 or labels.max() >= len(CLASS_NAMES):
        raise UserError(f"{name} has the class {labels.max()}: classes go from 0 to 9.")
    images = records.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels.astype(np.int64)


def _resize(images: np.ndarray, size: int) -> np.ndarray:
    if size == 32:
        return images
    way = cv2.INTER_AREA if size < 32 else cv2.INTER_LINEAR
    return np.stack([cv2.resize(image, (size, size), interpolation=way) for image in images])
