"""Drawing tools in unit coordinates, for the faces of the signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

Point = tuple[float, float]
Colour = tuple[int, int, int]

SIDE = 256  # pixels while drawing; shrunk afterwards, which smooths the edges
FRACTION_BITS = 4  # of OpenCV's coordinates


@dataclass(frozen=True)
class Canvas:
    """A square from (-1, -1), upper left, to (1, 1), drawn on in colours and opacity.

    Attributes:
        pixels: uint8 [side, side, 4], RGB and opacity.
        x, y, scale: where the origin of what is drawn lies, and how large its unit is.
        turned: degrees, clockwise.
        mirrored: whether left and right are exchanged.
    """

    pixels: np.ndarray
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    turned: float = 0.0
    mirrored: bool = False

    @classmethod
    def blank(cls) -> Self:
        """Nothing drawn yet: transparent."""
        return cls(np.zeros((SIDE, SIDE, 4), np.uint8))

    def placed(self, x: float, y: float, scale: float, mirrored: bool = False) -> Canvas:
        """The same canvas, on which drawings appear at (x, y), `scale` times as large."""
        return Canvas(self.pixels, x, y, scale, mirrored=mirrored)

    def within(self, x: float, y: float, scale: float, turned: float = 0.0) -> Canvas:
        """As `placed`, but relative to this canvas's own position and scale."""
        side = -1 if self.mirrored else 1
        place = self.x + side * x * self.scale, self.y + y * self.scale
        return Canvas(self.pixels, *place, scale * self.scale, turned, self.mirrored)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.pixels, [self._fixed(points)], (*colour, 255), shift=FRACTION_BITS)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A line with round ends and corners."""
        thickness = max(1, round(width * self.scale * SIDE / 2))
        cv2.polylines(
            self.pixels,
            [self._fixed(points)],
            isClosed=False,
            color=(*colour, 255),
            thickness=thickness,
            shift=FRACTION_BITS,
        )

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.polygon(arc(centre, radius, radius, 0, 360), colour)

    def box(self, upper_left: Point, lower_right: Point, colour: Colour) -> None:
        """A filled rectangle with upright sides."""
        (left, top), (right, bottom) = upper_left, lower_right
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def arrowhead(self, tip: Point, towards: Point, size: float, colour: Colour) -> None:
        """A triangle that ends at `tip` and points along the direction `towards`."""
        direction = np.array(towards) / np.hypot(*towards)
        across = np.array([-direction[1], direction[0]])
        foot = np.array(tip) - size * direction
        self.polygon(
            [tip, tuple(foot + 0.75 * size * across), tuple(foot - 0.75 * size * across)], colour
        )

    def shrunk(self, side: int) -> np.ndarray:
        """The drawing as uint8 [side, side, 4], RGB premultiplied by opacity."""
        opaque = self.pixels[..., 3:] > 0
        return cv2.resize(self.pixels * opaque, (side, side), interpolation=cv2.INTER_AREA)

    def _fixed(self, points: Sequence[Point]) -> np.ndarray:
        angle = np.radians(self.turned)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        place = np.asarray(points, float) @ turn * self.scale
        if self.mirrored:
            place = place * (-1, 1)
        pixels = (place + (self.x, self.y) + 1) * SIDE / 2 - 0.5
        return np.round(pixels * 2**FRACTION_BITS).astype(np.int32)


def arc(centre: Point, across: float, down: float, start: float, end: float) -> list[Point]:
    """Points of an ellipse's arc; degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, max(2, int(abs(end - start) / 6) + 1)))
    x = centre[0] + across * np.cos(angles)
    y = centre[1] + down * np.sin(angles)
    return list(zip(x.tolist(), y.tolist(), strict=True))
