"""Windows that slide over images: their sides, strides, dilation, and the zeros around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from engine.core.errors import quoted
from engine.networks.numpy_layers.step import Config
from engine.networks.numpy_layers.unsupported import Unsupported, require

Pair = tuple[int, int]


@dataclass(frozen=True)
class Windows:
    """The windows of a convolution or pooling layer.

    Attributes:
        size: rows and columns of values that a window takes.
        strides: from one window to the next.
        dilation: from one of a window's values to the next.
        same: whether the image is padded so that every stride has a window; else only windows
            within the image count.
    """

    size: Pair
    strides: Pair
    dilation: Pair = (1, 1)
    same: bool = False

    @property
    def spans(self) -> Pair:
        """Rows and columns from a window's first to its last value."""
        rows, columns = (
            step * (size - 1) + 1 for size, step in zip(self.size, self.dilation, strict=True)
        )
        return rows, columns

    def padded(self, values: np.ndarray, filler: float = 0.0) -> np.ndarray:
        """Images [n, height, width, c] with what "same" puts around them; else as they are.

        An odd row or column is added at the end.
        """
        if not self.same:
            return values
        sides = []
        for side, span, stride in zip(values.shape[1:3], self.spans, self.strides, strict=True):
            missing = max((-(-side // stride) - 1) * stride + span - side, 0)
            sides.append((missing // 2, missing - missing // 2))
        if not np.any(sides):
            return values
        return np.pad(values, ((0, 0), *sides, (0, 0)), constant_values=filler)

    def columns(self, values: np.ndarray) -> np.ndarray:
        """A view of padded images with every window's values: [n, rows, columns, *size, c]."""
        (down, right), (row, column) = self.strides, self.dilation
        seen = np.lib.stride_tricks.sliding_window_view(values, self.spans, axis=(1, 2))
        return seen[:, ::down, ::right, :, ::row, ::column].transpose(0, 1, 2, 4, 5, 3)

    def places(self, values: np.ndarray) -> Iterator[tuple[Pair, np.ndarray]]:
        """For each place in a window, the value that all windows have there.

        Yields:
            The place, and a view of the padded images: [n, rows, columns, c].
        """
        (down, right), (row, column) = self.strides, self.dilation
        ends = [side - span + 1 for side, span in zip(values.shape[1:3], self.spans, strict=True)]
        for place in product(range(self.size[0]), range(self.size[1])):
            top, left = place[0] * row, place[1] * column
            yield place, values[:, top : top + ends[0] : down, left : left + ends[1] : right]


def windows_of(config: Config, size: Pair) -> Windows:
    """The windows that a layer's config describes, of the given size.

    Raises:
        Unsupported: its images have the channels first.
    """
    require(config, "data_format", "channels_last")
    padding = config["padding"]
    if padding not in ("same", "valid"):
        raise Unsupported(f"The layer {quoted(config['name'])} with padding {quoted(padding)}")
    return Windows(
        size,
        _pair(config["strides"]),
        _pair(config.get("dilation_rate", (1, 1))),
        padding == "same",
    )


def _pair(sides: Any) -> Pair:
    rows, columns = sides
    return rows, columns
