"""Encoded images to arrays, many at once."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from PIL import Image

from engine.core import progress
from engine.core.errors import UserError, quoted
from engine.core.limited_reading import Unfit, refusing
from engine.datasets.archives import Files

MAX_PIXELS = 64 << 20
SUFFIXES = (".ppm", ".png", ".jpg", ".jpeg", ".bmp", ".webp")
SIZES = (8, 512)
_FORMATS = ("PPM", "PNG", "JPEG", "BMP", "WEBP")
_UNDECODABLE = "it is damaged or of another kind"
_PART = 512  # images a thread takes at a time


def check_size(size: int) -> None:
    """Raise `UserError` unless images of `size` x `size` are worth making."""
    if not SIZES[0] <= size <= SIZES[1]:
        raise UserError(f"Images can be {SIZES[0]} to {SIZES[1]} pixels wide, not {size}.")


def decode(data: bytes, size: int, name: str) -> np.ndarray:
    """One image, scaled to uint8 [size, size, 3], RGB.

    Args:
        data: the file's bytes.
        size: side in pixels.
        name: of the file, for the error.

    Raises:
        UserError: it is damaged, far too large, or of a kind that is not read here.
    """
    return scale(_decode(data, name), size)


def decode_photo(data: bytes, max_side: int, name: str) -> np.ndarray:
    """One image in its own shape, reduced if it is larger: uint8 [height, width, 3], RGB.

    Args:
        data: the file's bytes.
        max_side: of the result, pixels.
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
    """An image scaled to uint8 [size, size, 3], whatever its shape."""
    if image.shape[:2] == (size, size):
        return image
    shrinks = min(image.shape[:2]) >= size
    return cv2.resize(
        image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def _decode(data: bytes, name: str) -> np.ndarray:
    with refusing(f"The image {quoted(name)}", _UNDECODABLE, "copy it again, or take it away"):
        if not data.startswith(b"P6"):  # there the bytes themselves limit the size
            _check_pixels(data)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise Unfit(_UNDECODABLE)
    return image


def _check_pixels(data: bytes) -> None:
    """Look at the size an image declares before anything that large is made of it."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            pixels = image.width * image.height
    except Image.DecompressionBombError:
        pixels = MAX_PIXELS + 1
    if pixels > MAX_PIXELS:
        raise Unfit(f"it is far too large: at most {MAX_PIXELS >> 20} megapixels")


def decode_all(files: Files, names: Sequence[str], size: int, message: str) -> np.ndarray:
    """Images out of `files`, in the order of `names`: uint8 [n, size, size, 3], RGB."""
    check_size(size)
    try:
        images = np.empty((len(names), size, size, 3), np.uint8)
    except MemoryError as error:
        raise UserError(
            f"There is too little memory for {len(names)} images of {size} pixels:"
            " choose a smaller size."
        ) from error

    def fill(start: int) -> int:
        part = names[start : start + _PART]
        for offset, name in enumerate(part):
            images[start + offset] = decode(files.read(name), size, name)
        return len(part)

    done = 0
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the images are small: a thread for each part, none within
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for count in pool.map(fill, range(0, len(names), _PART)):
                done += count
                progress.report(done, len(names), message)
    finally:
        cv2.setNumThreads(threads)
    return images
