"""Decode image files into arrays, many in parallel."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from engine.core import progress
from engine.core.errors import UserError, quoted
from engine.core.limited_reading import Unfit, refusing
from engine.datasets.archives import Files

MAX_PIXELS = 64 << 20
SUFFIXES = (".ppm", ".pgm", ".png", ".jpg", ".jpeg", ".bmp", ".webp")
SIZES = (8, 512)
_FORMATS = ("PPM", "PNG", "JPEG", "BMP", "WEBP")
_UNDECODABLE = "it is damaged or not a supported format"
_PART = 512  # images per thread task at most
_PARTS = 8  # tasks per processor at least, for an even load and a bar that moves
_GREY = 2  # grey levels that the channels of a grey image may differ by


def check_size(size: int) -> None:
    """Check the image size.

    Args:
        size: side in pixels.

    Raises:
        UserError: `size` is outside `SIZES`.
    """
    if not SIZES[0] <= size <= SIZES[1]:
        raise UserError(f"Images can be {SIZES[0]} to {SIZES[1]} pixels wide, not {size}.")


def decode(data: bytes, size: int, name: str) -> np.ndarray:
    """Decode one image and scale it to uint8 [size, size, 3], RGB.

    Args:
        data: the file's bytes.
        size: side in pixels.
        name: of the file, for the error.

    Raises:
        UserError: the image is damaged, too large, or not in a supported format.
    """
    return scale(_decode(data, name), size)


def decode_photo(data: bytes, max_side: int, name: str) -> np.ndarray:
    """Decode one image, keeping its proportions: uint8 [height, width, 3], RGB.

    Args:
        data: the file's bytes.
        max_side: larger images are scaled down to this longer side, in pixels.
        name: of the file, for the error.

    Raises:
        UserError: as for `decode`.
    """
    image = _decode(data, name)
    factor = max_side / max(image.shape[:2])
    if factor >= 1:
        return image
    height, width = (max(1, round(factor * side)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def scale(image: np.ndarray, size: int) -> np.ndarray:
    """Scale an image, uint8 [height, width, 3], to [size, size, 3]; proportions are not kept."""
    if image.shape[:2] == (size, size):
        return image
    shrinks = min(image.shape[:2]) >= size
    return cv2.resize(
        image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def _decode(data: bytes, name: str) -> np.ndarray:
    with refusing(f"The image {quoted(name)}", _UNDECODABLE, "copy it again, or remove it"):
        if not data.startswith(b"P6"):  # PPM is uncompressed, so the file size limits the pixels
            _check_pixels(data)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise Unfit(_UNDECODABLE)
    return image


def _check_pixels(data: bytes) -> None:
    """Check the size an image declares before allocating memory for it."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            pixels = image.width * image.height
    except Image.DecompressionBombError:
        pixels = MAX_PIXELS + 1
    if pixels > MAX_PIXELS:
        raise Unfit(f"it is far too large: at most {MAX_PIXELS >> 20} megapixels")


def decode_all(files: Files, names: Sequence[str], size: int, message: str) -> np.ndarray:
    """Decode images from `files` in the order of `names`: uint8 [n, size, size, 3], RGB.

    Args:
        files: the encoded images.
        names: which of them to decode.
        size: side in pixels.
        message: label of the progress reports.

    Raises:
        UserError: `size` is out of range, an image is missing or damaged, or memory runs out.
    """
    check_size(size)
    try:
        images = np.empty((len(names), size, size, 3), np.uint8)
    except MemoryError as error:
        raise UserError(
            f"There is too little memory for {len(names)} images of {size} pixels:"
            " choose a smaller size."
        ) from error

    def fill(start: int, part: Sequence[str]) -> None:
        for offset, name in enumerate(part):
            images[start + offset] = decode(files.read(name), size, name)

    in_threads(fill, names, message)
    return images


@dataclass(frozen=True)
class Inspection:
    """What images are like.

    Attributes:
        sizes: how many are of each (width, height) in pixels, the most frequent first.
        grey: how many have no colour.
        damaged: names of those that cannot be read.
    """

    sizes: Mapping[tuple[int, int], int]
    grey: int
    damaged: tuple[str, ...]


def inspect_all(files: Files, names: Sequence[str], message: str) -> Inspection:
    """Decode images and keep only what they are like; damaged ones do no harm.

    Args:
        files: the encoded images.
        names: which of them to look at.
        message: label of the progress reports.
    """
    found: dict[str, tuple[int, int, bool] | None] = dict.fromkeys(names)

    def look(_: int, part: Sequence[str]) -> None:
        for name in part:
            with suppress(UserError):
                image = _decode(files.read(name), name)
                height, width = image.shape[:2]
                found[name] = (width, height, _is_grey(image))

    in_threads(look, names, message)
    whole = [facts for facts in found.values() if facts is not None]
    sizes = Counter((width, height) for width, height, _ in whole)
    damaged = tuple(name for name, facts in found.items() if facts is None)
    return Inspection(dict(sizes.most_common()), sum(grey for *_, grey in whole), damaged)


def _is_grey(image: np.ndarray) -> bool:
    some = image[:: max(1, image.shape[0] // 64), :: max(1, image.shape[1] // 64)].astype(np.int16)
    # JPEG lets grey pictures differ by a level or two between the channels.
    return bool(np.ptp(some, axis=2).max() <= _GREY)


def in_threads(
    work: Callable[[int, Sequence[str]], object], names: Sequence[str], message: str
) -> None:
    """Do `work` on parts of `names` in several threads, and report the progress.

    Args:
        work: takes the position of a part's first name, and the part.
        names: of images.
        message: label of the progress reports.
    """

    each = min(_PART, max(1, len(names) // (_PARTS * (os.cpu_count() or 1))))

    def do(start: int) -> int:
        part = names[start : start + each]
        work(start, part)
        return len(part)

    done = 0
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # images are small: parallelise over images, not within one
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for count in pool.map(do, range(0, len(names), each)):
                done += count
                progress.report(done, len(names), message)
    finally:
        cv2.setNumThreads(threads)
