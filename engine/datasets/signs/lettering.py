"""Digits and letters of the signs, as lines."""

from __future__ import annotations

from engine.datasets.signs.canvas import Canvas, Colour, Point, arc

Strokes = list[list[Point]]

# Each in a box from (0, 0), upper left, to (0.56, 1).
_W = 0.56
_M = _W / 2
GLYPHS: dict[str, Strokes] = {
    "0": [arc((_M, 0.3), _M, 0.3, 180, 360) + arc((_M, 0.7), _M, 0.3, 0, 180) + [(0, 0.3)]],
    "1": [[(0.08, 0.24), (0.34, 0.0), (0.34, 1.0)]],
    "2": [[*arc((_M, 0.28), _M, 0.28, 180, 385), (0.0, 1.0), (_W, 1.0)]],
    "3": [arc((_M, 0.25), 0.9 * _M, 0.25, 190, 450) + arc((_M, 0.74), _M, 0.26, 270, 530)],
    "5": [
        [(0.5, 0.0), (0.07, 0.0), (0.03, 0.48), *arc((_M, 0.68), _M, 0.32, 215, 510)],
    ],
    "6": [
        arc((_M, 0.69), _M, 0.31, 0, 360),
        [*arc((_M + 0.12, 0.52), _M + 0.12, 0.52, 300, 180), (0, 0.69)],
    ],
    "7": [[(0.0, 0.0), (_W, 0.0), (0.2, 1.0)]],
    "8": [arc((_M, 0.25), 0.88 * _M, 0.25, 0, 360), arc((_M, 0.73), _M, 0.27, 0, 360)],
    "S": [arc((_M, 0.25), _M, 0.25, 335, 90) + arc((_M, 0.75), _M, 0.25, 270, 515)],
    "T": [[(0.0, 0.0), (_W, 0.0)], [(_M, 0.0), (_M, 1.0)]],
    "O": [arc((_M, 0.32), _M, 0.32, 180, 360) + arc((_M, 0.68), _M, 0.32, 0, 180) + [(0, 0.32)]],
    "P": [[(0, 1), (0, 0), (0.24, 0), *arc((0.28, 0.28), 0.28, 0.28, 270, 450), (0.0, 0.56)]],
}


def write(
    canvas: Canvas, text: str, width: float, height: float, weight: float, colour: Colour
) -> None:
    """`text` around the origin, `width` and `height` large, in lines `weight` wide."""
    gap = weight * 1.75  # from the middle of a line to the middle of the next letter's
    one = (width - weight - gap * (len(text) - 1)) / len(text)
    tall = height - weight
    for place, letter in enumerate(text):
        left = -width / 2 + weight / 2 + place * (one + gap)
        for stroke in GLYPHS[letter]:
            points = [(left + x / _W * one, (y - 0.5) * tall) for x, y in stroke]
            canvas.line(points, weight, colour)
