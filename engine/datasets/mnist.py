"""MNIST and Fashion-MNIST, from their IDX files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets import archives, splits
from engine.datasets.archives import Files
from engine.datasets.dataset import Split
from engine.datasets.decoding import check_size, scale
from engine.datasets.download import Download
from engine.datasets.idx_files import read_idx
from engine.datasets.source import Found, Parts, Source, folders, walk

VALIDATION_SHARE = 0.1
_FILE = re.compile(r"(train|t10k)-(images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?")
_NAMES = ("train-images", "train-labels", "t10k-images", "t10k-labels")


def _downloads(address: str, checksums: Sequence[str], sizes: Sequence[int]) -> list[Download]:
    names = [f"{name}-idx{3 if 'images' in name else 1}-ubyte.gz" for name in _NAMES]
    return [
        Download(address + name, name, f"md5:{checksum}", size)
        for name, checksum, size in zip(names, checksums, sizes, strict=True)
    ]


class Mnist(Source):
    """60,000 training and 10,000 test images of handwritten digits, grey."""

    name = "mnist"
    title = "MNIST"
    is_grey = True
    downloads = tuple(
        _downloads(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            (
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ),
            (9_912_422, 28_881, 1_648_877, 4_542),
        )
    )
    wanted = "train-images-idx3-ubyte, train-labels-idx1-ubyte and both t10k files, packed or not"
    class_names = tuple(map(str, range(10)))

    def locate(self, root: Path) -> Found | None:
        """See `Source.locate`; the files may lie deeper, as in ``MNIST/raw``."""
        for folder in folders(root, self.name):
            if folder == root:
                continue
            found = {_part(name) for _, names in walk(folder, 2) for name in names}
            if {*_NAMES} <= found:
                return Found((folder,), partial(archives.from_folder, folder))
        return None

    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """See `Source.read`; validation is a random tenth of each class."""
        check_size(size)
        places = {_part(name.rpartition("/")[2]): name for name in sorted(files, reverse=True)}
        missing = [name for name in _NAMES if name not in places]
        if missing:
            raise UserError(f"The file {missing[0]} of {self.title} is missing: copy it again.")
        train = self._split(files, places["train-images"], places["train-labels"], size)
        test = self._split(files, places["t10k-images"], places["t10k-labels"], size)
        validation = splits.stratified(train.labels, VALIDATION_SHARE, rng)
        return Parts(self.class_names, train, test, validation)

    def _split(self, files: Files, images: str, labels: str, size: int) -> Split:
        """Images and labels; grey is repeated to three channels."""
        grey, numbers = read_idx(files, images, 3), read_idx(files, labels, 1)
        if len(grey) != len(numbers) or not len(grey) or 0 in grey.shape:
            raise UserError(f"{images} has {len(grey)} images but {len(numbers)} labels.")
        if numbers.max() >= len(self.class_names):
            raise UserError(f"{labels} has the class {numbers.max()}: classes go from 0 to 9.")
        scaled = np.empty((len(grey), size, size, 3), np.uint8)
        for number, image in enumerate(grey):
            if number % 1000 == 0:
                progress.report(number, len(grey), f"Reading {self.title}")
            scaled[number] = scale(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), size)
        return Split(scaled, numbers.astype(np.int64))


class FashionMnist(Mnist):
    """60,000 training and 10,000 test images of clothes, grey."""

    name = "fashion-mnist"
    can_mirror = True
    title = "Fashion-MNIST"
    downloads = tuple(
        _downloads(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
            (26_421_880, 29_515, 4_422_102, 5_148),
        )
    )
    class_names = (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )


def _part(name: str) -> str:
    """Which of the four files it is, such as "train-images"; empty if none."""
    found = _FILE.fullmatch(name)
    return f"{found[1]}-{found[2][:6]}" if found else ""
