"""Where the numbers of an ONNX tensor lie in a Keras tensor.

ONNX files order an image's axes as channels, height, width; Keras networks here as height, width,
channels. Instead of moving numbers at each operator, a `Value` keeps track of which axis lies
where. Transposing and reshaping only change that record. Numbers are moved, by a `Permute` layer,
only where an operator needs them in another order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CHANNELS_FIRST, AS_THEY_ARE = (1, 2, 0), (0, 1, 2)  # orders of an image's three axes in memory


@dataclass(frozen=True)
class Value:
    """A tensor of an ONNX graph; the batch axis is left out everywhere.

    Attributes:
        tensor: the Keras tensor.
        sizes: sizes greater than 1 whose product is the tensor's, from outer to inner in memory.
        axes: for each axis in the file, the places in `sizes` that make it up, outer ones first.
    """

    tensor: Any
    sizes: tuple[int, ...]
    axes: tuple[tuple[int, ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes as the file numbers them."""
        return tuple(math.prod(self.sizes[place] for place in axis) for axis in self.axes)

    def with_tensor(self, tensor: Any) -> Value:
        """The same arrangement of another tensor of that size."""
        return Value(tensor, self.sizes, self.axes)

    def from_file_order(self, array: np.ndarray) -> np.ndarray:
        """An array of the shape `shape`, with its numbers ordered as in memory: [*sizes]."""
        order = [place for axis in self.axes for place in axis]
        return array.reshape([self.sizes[place] for place in order]).transpose(np.argsort(order))


def in_layout(tensor: Any, layout: Sequence[int]) -> Value:
    """A tensor whose axes are those of the file in another order.

    Args:
        tensor: [batch, ...].
        layout: for each of the tensor's axes, which axis of the file it is.
    """
    shape = tensor.shape[1:]
    places = [place for place, size in enumerate(shape) if size > 1]
    sizes = tuple(shape[place] for place in places)
    axes = [
        (places.index(place),) if place in places else ()
        for place in np.argsort(np.asarray(layout, int)).tolist()
    ]
    return Value(tensor, sizes, tuple(axes))


def transposed(value: Value, order: Sequence[int]) -> Value:
    """The axes in another order; no number moves."""
    return Value(value.tensor, value.sizes, tuple(value.axes[axis] for axis in order))


def reshaped(value: Value, shape: Sequence[int]) -> Value:
    """The same numbers as axes of other sizes; no number moves.

    Raises:
        ValueError: the shape does not divide the axes evenly.
    """
    # A place that is divided gets a longer key, which sorts where the place was.
    waiting = [((place,), value.sizes[place]) for axis in value.axes for place in axis]
    axes: list[list[tuple[int, ...]]] = []
    sizes: dict[tuple[int, ...], int] = {}
    for wanted in shape:
        axes.append([])
        missing = wanted
        while missing != 1:
            key, size = waiting.pop(0) if waiting else ((), 0)
            if not size or (missing % size and size % missing):
                raise ValueError(f"{tuple(shape)} does not divide {value.shape}")
            if size > missing:
                waiting.insert(0, ((*key, 1), size // missing))
                key, size = (*key, 0), missing
            axes[-1].append(key)
            sizes[key] = size
            missing //= size
    if waiting:
        raise ValueError(f"{tuple(shape)} has fewer values than {value.shape}")
    order = sorted(sizes)
    numbered = tuple(tuple(order.index(key) for key in axis) for axis in axes)
    return Value(value.tensor, tuple(sizes[key] for key in order), numbered)


def layout_of(value: Value) -> tuple[int, ...]:
    """The order of the file's axes in memory that moves the fewest numbers."""
    if len(value.axes) != 3:
        return tuple(range(len(value.axes)))
    return next(
        (layout for layout in (CHANNELS_FIRST, AS_THEY_ARE) if _is_sorted(value, layout)),
        CHANNELS_FIRST,
    )


def _is_sorted(value: Value, layout: Sequence[int]) -> bool:
    places = [place for axis in layout for place in value.axes[axis]]
    return places == sorted(places)
