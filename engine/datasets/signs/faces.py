"""The faces of the 43 signs of GTSRB: shape, colours and pictograms.

Drawn after the German road sign catalogue, which is in the public domain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.datasets.signs import pictograms
from engine.datasets.signs.canvas import Canvas, Colour, Point
from engine.datasets.signs.lettering import write
from engine.datasets.signs.pictograms import BLACK, BLUE, GREY, RED, WHITE, YELLOW

Pictogram = Callable[[Canvas], None]
Face = Callable[[Canvas, "Make"], None]


@dataclass(frozen=True)
class Make:
    """How one manufacturer's signs differ from another's.

    Attributes:
        border: width of the red border; 1 is the usual one.
        weight: width of digits; 1 is the usual one.
        size: size of pictograms and digits; 1 is the usual one.
    """

    border: float = 1.0
    weight: float = 1.0
    size: float = 1.0


def _round(canvas: Canvas, make: Make) -> None:
    """White with a red border."""
    canvas.disc((0, 0), 1, WHITE)
    canvas.disc((0, 0), 0.97, RED)
    canvas.disc((0, 0), 0.97 - 0.19 * make.border, WHITE)


def _speed(text: str) -> Face:
    def draw(canvas: Canvas, make: Make) -> None:
        _round(canvas, make)
        width, height, weight = (1.08, 0.88, 0.128) if len(text) == 2 else (1.18, 0.76, 0.105)
        write(canvas, text, width * make.size, height * make.size, weight * make.weight, BLACK)

    return draw


def _end_of(draw_grey: Callable[[Canvas, Make], None]) -> Face:
    """A white disc with something grey on it, struck out."""

    def draw(canvas: Canvas, make: Make) -> None:
        canvas.disc((0, 0), 1, BLACK)
        canvas.disc((0, 0), 0.955, WHITE)
        draw_grey(canvas, make)
        for offset in (-0.14, -0.07, 0.0, 0.07, 0.14):
            canvas.line(
                [(offset - 0.67, offset + 0.67), (offset + 0.67, offset - 0.67)],
                0.05 * make.weight,
                BLACK,
            )

    return draw


def _grey_80(canvas: Canvas, make: Make) -> None:
    write(canvas, "80", 1.16 * make.size, 0.84 * make.size, 0.14 * make.weight, GREY)


def _overtaking(left: Callable[[Canvas, Colour], None], one: Colour, other: Colour) -> Face:
    """Two vehicles beside each other, on the left the one that overtakes."""

    def draw(canvas: Canvas, make: Make) -> None:
        left(canvas.placed(-0.36 * make.size, 0.0, 0.38 * make.size), one)
        pictograms.car(canvas.placed(0.38 * make.size, 0.06, 0.36 * make.size), other)

    return draw


def _no(what: Face) -> Face:
    def draw(canvas: Canvas, make: Make) -> None:
        _round(canvas, make)
        what(canvas, make)

    return draw


def _nothing(canvas: Canvas, make: Make) -> None:
    """No pictogram."""


def _lorry(canvas: Canvas, make: Make) -> None:
    pictograms.lorry(canvas.placed(0, 0, 0.62 * make.size), BLACK)


def _triangle(canvas: Canvas, make: Make, pointing: int = -1) -> None:
    """White with a red border; the tip up for -1, down for 1."""

    def corners(inset: float) -> list[Point]:
        shrink = 1 - inset / 0.55
        return [
            (x * shrink, pointing * (y * shrink - 0.3))
            for x, y in ((0.0, 1.2), (-0.95, -0.55), (0.95, -0.55))
        ]

    outline = corners(0.03)
    canvas.line([*outline, outline[0]], 0.12, WHITE)
    canvas.line([*outline, outline[0]], 0.07, RED)
    canvas.polygon(outline, RED)
    canvas.polygon(corners(0.16 * make.border), WHITE)


def _warning(pictogram: Pictogram, scale: float, mirrored: bool = False) -> Face:
    def draw(canvas: Canvas, make: Make) -> None:
        _triangle(canvas, make)
        pictogram(canvas.placed(0, 0.28, scale * make.size, mirrored))

    return draw


def _give_way(canvas: Canvas, make: Make) -> None:
    _triangle(canvas, make, pointing=1)


def _priority_road(canvas: Canvas, make: Make) -> None:
    for reach, colour in ((1.0, BLACK), (0.97, WHITE), (0.64 * make.size, YELLOW)):
        canvas.polygon([(0, -reach), (reach, 0), (0, reach), (-reach, 0)], colour)


def _stop(canvas: Canvas, make: Make) -> None:
    for reach, colour in ((1.0, WHITE), (0.95, RED)):
        angles = np.radians(22.5 + 45 * np.arange(8))
        ring = reach * np.stack([np.cos(angles), np.sin(angles)], 1) * 1.04
        canvas.polygon([(float(x), float(y)) for x, y in ring], colour)
    write(canvas, "STOP", 1.5 * make.size, 0.68 * make.size, 0.13 * make.weight, WHITE)


def _no_entry(canvas: Canvas, make: Make) -> None:
    canvas.disc((0, 0), 1, WHITE)
    canvas.disc((0, 0), 0.97, RED)
    canvas.box((-0.74, -0.19 * make.size), (0.74, 0.19 * make.size), WHITE)


def _mandatory(pictogram: Pictogram, scale: float = 0.66, mirrored: bool = False) -> Face:
    def draw(canvas: Canvas, make: Make) -> None:
        canvas.disc((0, 0), 1, WHITE)
        canvas.disc((0, 0), 0.955, BLUE)
        pictogram(canvas.placed(0, 0, scale * make.size, mirrored))

    return draw


FACES: tuple[Face, ...] = (
    *(_speed(text) for text in ("20", "30", "50", "60", "70", "80")),
    _end_of(_grey_80),
    _speed("100"),
    _speed("120"),
    _no(_overtaking(pictograms.car, RED, BLACK)),
    _no(_overtaking(pictograms.lorry_behind, RED, BLACK)),
    _warning(pictograms.crossing, 0.52),
    _priority_road,
    _give_way,
    _stop,
    _no(_nothing),
    _no(_lorry),
    _no_entry,
    _warning(pictograms.exclamation, 0.5),
    _warning(pictograms.bend, 0.5),
    _warning(pictograms.bend, 0.5, mirrored=True),
    _warning(pictograms.double_bend, 0.52),
    _warning(pictograms.bumps, 0.5),
    _warning(pictograms.slippery, 0.5),
    _warning(pictograms.narrow_right, 0.5),
    _warning(pictograms.digger, 0.5),
    _warning(pictograms.lights, 0.42),
    _warning(pictograms.pedestrian, 0.48),
    _warning(pictograms.children, 0.5),
    _warning(pictograms.bicycle, 0.52),
    _warning(pictograms.snowflake, 0.44),
    _warning(pictograms.deer, 0.46),
    _end_of(_nothing),
    _mandatory(pictograms.turn_right),
    _mandatory(pictograms.turn_right, mirrored=True),
    _mandatory(pictograms.ahead, 0.7),
    _mandatory(pictograms.ahead_or_right),
    _mandatory(pictograms.ahead_or_right, mirrored=True),
    _mandatory(pictograms.keep_right, 0.7),
    _mandatory(pictograms.keep_right, 0.7, mirrored=True),
    _mandatory(pictograms.roundabout, 0.8),
    _end_of(_overtaking(pictograms.car, GREY, GREY)),
    _end_of(_overtaking(pictograms.lorry_behind, GREY, GREY)),
)


def face(label: int, make: Make, side: int) -> np.ndarray:
    """The face of a class: uint8 [side, side, 4], RGB premultiplied by opacity, and opacity."""
    canvas = Canvas.blank()
    FACES[label](canvas, make)
    return canvas.shrunk(side)
