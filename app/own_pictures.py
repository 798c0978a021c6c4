"""The visitor's own pictures: kept in memory for the session, on no disk, and sent nowhere."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from app.chosen_image import OWN, ChosenImage
from engine.datasets.decoding import decode_photo, scale
from engine.store import ModelCard

MAX_PICTURES = 30
MAX_SIDE = 1024  # pixels; larger pictures are reduced to it
_PICTURES, _IN_USE = "own-pictures", "own-picture-in-use"


@dataclass(frozen=True)
class Crop:
    """A square part of a picture.

    Attributes:
        left, top: of its upper left corner, pixels.
        side: pixels.
    """

    left: int
    top: int
    side: int

    @classmethod
    def centred(cls, height: int, width: int) -> Crop:
        """The largest square in the middle."""
        side = min(height, width)
        return cls((width - side) // 2, (height - side) // 2, side)

    def within(self, height: int, width: int) -> Crop:
        """The nearest crop that lies inside a picture of that size."""
        side = min(max(self.side, 1), height, width)
        return Crop(
            min(max(self.left, 0), width - side), min(max(self.top, 0), height - side), side
        )


@dataclass(frozen=True)
class OwnPicture:
    """A picture as it was given, and the part of it that the network sees.

    Attributes:
        name: of the file, or where it came from.
        photo: uint8 [height, width, 3].
        crop: the part to classify.
        class_name: what it shows, if the visitor said so.
    """

    name: str
    photo: np.ndarray = field(repr=False, compare=False)
    crop: Crop
    class_name: str | None = None

    def cropped(self, size: int) -> np.ndarray:
        """The chosen part: uint8 [size, size, 3]."""
        rows = slice(self.crop.top, self.crop.top + self.crop.side)
        columns = slice(self.crop.left, self.crop.left + self.crop.side)
        return scale(self.photo[rows, columns], size)


def pictures() -> dict[str, OwnPicture]:
    """All of them by their identifiers, in the order in which they came."""
    known: dict[str, OwnPicture] = st.session_state.setdefault(_PICTURES, {})
    return known


def add(data: bytes, name: str) -> str:
    """Take in an encoded image and return its identifier; the same file is kept once.

    Raises:
        UserError: it is no image, damaged, or too large.
    """
    identifier = hashlib.sha256(data).hexdigest()[:16]
    if identifier not in pictures():
        keep(identifier, name, decode_photo(data, MAX_SIDE, name))
    return identifier


def keep(
    identifier: str,
    name: str,
    photo: np.ndarray,
    crop: Crop | None = None,
    class_name: str | None = None,
) -> None:
    """Take in a decoded picture; beyond the limit the oldest goes.

    Args:
        identifier: what tells it from the others.
        name: of the file, or where it came from.
        photo: uint8 [height, width, 3].
        crop: the part to classify; the largest square in the middle if left out.
        class_name: what it shows, if that is known.
    """
    known, shape = pictures(), photo.shape[:2]
    part = Crop.centred(*shape) if crop is None else crop.within(*shape)
    known[identifier] = OwnPicture(name, photo, part, class_name)
    while len(known) > MAX_PICTURES:
        remove(next(iter(known)))


def change(identifier: str, crop: Crop, class_name: str | None) -> None:
    """Set the part to classify and what it shows."""
    picture = pictures()[identifier]
    crop = crop.within(*picture.photo.shape[:2])
    pictures()[identifier] = dataclasses.replace(picture, crop=crop, class_name=class_name)


def remove(identifier: str) -> None:
    """Forget one."""
    pictures().pop(identifier, None)


def use(identifier: str | None) -> None:
    """Show this picture on every page; None goes back to test images."""
    st.session_state[_IN_USE] = identifier


def in_use() -> str | None:
    """The identifier of the picture that every page shows, or None."""
    identifier = st.session_state.get(_IN_USE)
    return identifier if identifier in pictures() else None


def chosen(identifier: str, card: ModelCard) -> ChosenImage:
    """A picture as the network of `card` takes it."""
    picture, size = pictures()[identifier], card.image_shape[0]
    clean = picture.cropped(size)
    content = hashlib.sha256(clean.tobytes()).hexdigest()[:16]
    known = picture.class_name in card.class_names
    label = card.class_names.index(picture.class_name) if known else None
    name = picture.name if label is None else card.class_names[label]
    return ChosenImage((OWN, size, content), clean, label, name)
