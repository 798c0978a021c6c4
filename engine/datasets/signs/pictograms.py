"""What stands on the signs: cars, people, arrows, each drawn around the origin, about 2 large."""

from __future__ import annotations

from engine.datasets.signs.canvas import Canvas, Colour, Point, arc

WHITE: Colour = (238, 238, 236)
BLACK: Colour = (22, 22, 24)
RED: Colour = (196, 24, 40)
BLUE: Colour = (12, 84, 168)
YELLOW: Colour = (250, 178, 12)
GREEN: Colour = (30, 140, 80)
GREY: Colour = (88, 90, 92)


def car(canvas: Canvas, colour: Colour) -> None:
    """From behind."""
    canvas.polygon([(-0.7, -0.1), (-0.5, -0.52), (0.5, -0.52), (0.7, -0.1)], colour)
    canvas.polygon([(-0.48, -0.16), (-0.37, -0.4), (0.37, -0.4), (0.48, -0.16)], WHITE)
    canvas.box((-1.0, -0.12), (1.0, 0.34), colour)
    canvas.box((-0.92, 0.3), (-0.52, 0.56), colour)
    canvas.box((0.52, 0.3), (0.92, 0.56), colour)


def lorry_behind(canvas: Canvas, colour: Colour) -> None:
    """From behind: a high box on wheels."""
    canvas.box((-0.95, -1.0), (0.8, 0.45), colour)
    canvas.box((-0.85, 0.4), (-0.45, 0.75), colour)
    canvas.box((0.3, 0.4), (0.7, 0.75), colour)


def lorry(canvas: Canvas, colour: Colour) -> None:
    """From the side, heading left."""
    canvas.box((-0.3, -0.55), (1.0, 0.3), colour)
    canvas.polygon(
        [(-1.0, 0.3), (-1.0, -0.08), (-0.8, -0.38), (-0.38, -0.38), (-0.38, 0.3)], colour
    )
    canvas.polygon([(-0.88, -0.08), (-0.74, -0.27), (-0.54, -0.27), (-0.54, -0.08)], WHITE)
    for x in (-0.66, 0.3, 0.72):
        canvas.disc((x, 0.34), 0.22, colour)
        canvas.disc((x, 0.34), 0.08, WHITE)


def crossing(canvas: Canvas) -> None:
    """The broad road that has the right of way, crossed by a narrow one."""
    canvas.polygon([(0, -1.0), (0.3, -0.55), (0.3, 0.95), (-0.3, 0.95), (-0.3, -0.55)], BLACK)
    canvas.box((-0.66, 0.05), (0.66, 0.33), BLACK)


def exclamation(canvas: Canvas) -> None:
    """An exclamation mark."""
    canvas.polygon([(-0.17, -0.95), (0.17, -0.95), (0.1, 0.42), (-0.1, 0.42)], BLACK)
    canvas.disc((0, 0.75), 0.18, BLACK)


def bend(canvas: Canvas) -> None:
    """A road that turns to the left."""
    canvas.line(
        [(0.42, 0.75), (0.42, 0.16), (0.32, -0.1), (0.08, -0.22), (-0.2, -0.24)], 0.36, BLACK
    )
    canvas.arrowhead((-0.8, -0.26), (-1, 0), 0.55, BLACK)


def double_bend(canvas: Canvas) -> None:
    """A road that turns to the left and back."""
    canvas.line([(0.3, 0.85), (0.3, 0.12), (-0.2, 0.12), (-0.2, -0.4)], 0.36, BLACK)
    canvas.arrowhead((-0.2, -1.05), (0, -1), 0.6, BLACK)


def bumps(canvas: Canvas) -> None:
    """Two humps of a road."""
    left = arc((-0.42, 0.5), 0.38, 0.42, 180, 360)
    right = arc((0.42, 0.5), 0.38, 0.42, 180, 360)
    canvas.polygon([(-0.95, 0.72), (-0.95, 0.5), *left, *right, (0.95, 0.5), (0.95, 0.72)], BLACK)


def slippery(canvas: Canvas) -> None:
    """A car that skids and leaves winding tracks."""
    car(canvas.within(0.0, -0.12, 0.72, turned=14), BLACK)
    for x in (-0.5, 0.2):
        track = [(x, 0.4), (x - 0.12, 0.52), (x + 0.12, 0.66), (x - 0.04, 0.84)]
        canvas.line(track, 0.1, BLACK)


def narrow_right(canvas: Canvas) -> None:
    """The right side of a road comes nearer."""
    canvas.line([(-0.3, 0.85), (-0.3, -0.75)], 0.16, BLACK)
    canvas.line([(0.46, 0.85), (0.46, 0.3), (0.14, -0.05), (0.14, -0.75)], 0.17, BLACK)


def digger(canvas: Canvas) -> None:
    """Somebody with a shovel at a heap."""
    canvas.disc((-0.1, -0.75), 0.2, BLACK)
    canvas.line([(-0.2, -0.45), (-0.42, 0.12)], 0.34, BLACK)
    canvas.line([(-0.42, 0.12), (-0.12, 0.45), (-0.2, 0.88)], 0.22, BLACK)
    canvas.line([(-0.46, 0.12), (-0.62, 0.5), (-0.88, 0.88)], 0.22, BLACK)
    canvas.line([(-0.12, -0.4), (0.16, -0.08), (0.42, 0.06)], 0.17, BLACK)
    canvas.line([(-0.2, 0.1), (0.6, 0.42)], 0.1, BLACK)
    canvas.polygon([(0.22, 0.95), *arc((0.62, 0.95), 0.4, 0.55, 180, 360), (1.02, 0.95)], BLACK)


def lights(canvas: Canvas) -> None:
    """Red above yellow above green."""
    for y, colour in ((-0.66, RED), (0.0, YELLOW), (0.66, GREEN)):
        canvas.disc((0, y), 0.31, BLACK)
        canvas.disc((0, y), 0.27, colour)


def walker(canvas: Canvas) -> None:
    """Somebody who walks to the left."""
    canvas.disc((0.05, -0.8), 0.19, BLACK)
    canvas.line([(0.02, -0.45), (0.05, 0.02)], 0.36, BLACK)
    canvas.line([(0.05, 0.05), (-0.18, 0.45), (-0.42, 0.92)], 0.2, BLACK)
    canvas.line([(0.05, 0.05), (0.24, 0.45), (0.44, 0.9)], 0.2, BLACK)
    canvas.line([(0.0, -0.45), (-0.28, -0.2), (-0.42, 0.02)], 0.14, BLACK)
    canvas.line([(0.05, -0.45), (0.32, -0.22), (0.38, 0.02)], 0.14, BLACK)


def pedestrian(canvas: Canvas) -> None:
    """A walker on a crossing."""
    walker(canvas)
    for x in (-0.85, -0.4, 0.2, 0.66):
        canvas.line([(x, 0.98), (x + 0.16, 0.8)], 0.09, BLACK)


def children(canvas: Canvas) -> None:
    """A small child who runs, led by a larger one."""
    walker(canvas.within(0.34, -0.02, 0.98))
    walker(canvas.within(-0.46, 0.24, 0.72))
    canvas.line([(-0.36, 0.0), (0.1, 0.02)], 0.13, BLACK)


def bicycle(canvas: Canvas) -> None:
    """A bicycle from the side."""
    for x in (-0.56, 0.56):
        canvas.line(arc((x, 0.36), 0.4, 0.4, 0, 360), 0.11, BLACK)
    frame: list[list[Point]] = [
        [(-0.56, 0.36), (-0.22, -0.28), (0.36, -0.28), (0.0, 0.36), (-0.56, 0.36)],
        [(-0.22, -0.28), (0.0, 0.36)],
        [(0.56, 0.36), (0.3, -0.5), (0.52, -0.6)],
        [(-0.36, -0.46), (-0.1, -0.46)],
        [(-0.22, -0.46), (-0.22, -0.28)],
    ]
    for part in frame:
        canvas.line(part, 0.1, BLACK)


def snowflake(canvas: Canvas) -> None:
    """Six branches."""
    for turn in range(6):
        tip = arc((0, 0), 0.9, 0.9, 60 * turn + 30, 60 * turn + 31)[0]
        canvas.line([(0, 0), tip], 0.15, BLACK)
        knot = (0.56 * tip[0], 0.56 * tip[1])
        for side in (-40, 40):
            twig = arc(knot, 0.36, 0.36, 60 * turn + 30 + side, 60 * turn + 31 + side)[0]
            canvas.line([knot, twig], 0.13, BLACK)


def deer(canvas: Canvas) -> None:
    """A deer that leaps to the left."""
    canvas.polygon(
        [
            (-0.5, -0.3),
            (0.1, -0.02),
            (0.62, 0.2),
            (0.72, 0.42),
            (0.3, 0.42),
            (-0.28, 0.22),
            (-0.52, 0.02),
        ],
        BLACK,
    )
    canvas.polygon([(-0.56, 0.0), (-0.66, -0.6), (-0.44, -0.62), (-0.24, -0.16)], BLACK)
    canvas.polygon([(-0.98, -0.5), (-0.68, -0.78), (-0.42, -0.6), (-0.56, -0.44)], BLACK)
    canvas.line([(-0.52, -0.7), (-0.4, -0.9), (-0.46, -1.05)], 0.08, BLACK)
    canvas.line([(-0.46, -0.7), (-0.2, -0.86), (-0.2, -1.0)], 0.08, BLACK)
    canvas.line([(-0.44, 0.05), (-0.86, 0.1), (-0.78, 0.38)], 0.12, BLACK)
    canvas.line([(-0.34, 0.12), (-0.66, 0.32), (-0.52, 0.56)], 0.12, BLACK)
    canvas.line([(0.56, 0.34), (0.74, 0.66), (1.02, 0.78)], 0.14, BLACK)
    canvas.line([(0.48, 0.36), (0.54, 0.72), (0.8, 0.94)], 0.12, BLACK)


def ahead(canvas: Canvas) -> None:
    """An arrow that points up."""
    canvas.line([(0, 0.82), (0, -0.3)], 0.3, WHITE)
    canvas.arrowhead((0, -0.95), (0, -1), 0.62, WHITE)


def turn_right(canvas: Canvas) -> None:
    """An arrow that goes up and turns right."""
    canvas.line([(-0.38, 0.82), (-0.38, 0.0), (-0.26, -0.24), (0.22, -0.26)], 0.32, WHITE)
    canvas.arrowhead((0.82, -0.26), (1, 0), 0.58, WHITE)


def ahead_or_right(canvas: Canvas) -> None:
    """An arrow up with a branch to the right."""
    canvas.line([(-0.22, 1.0), (-0.22, -0.6)], 0.24, WHITE)
    canvas.arrowhead((-0.22, -1.12), (0, -1), 0.56, WHITE)
    canvas.line([(-0.2, 0.6), (-0.1, 0.4), (0.46, 0.3)], 0.24, WHITE)
    canvas.arrowhead((0.98, 0.3), (1, 0), 0.56, WHITE)


def keep_right(canvas: Canvas) -> None:
    """An arrow to the lower right."""
    canvas.line([(-0.58, -0.58), (0.2, 0.2)], 0.3, WHITE)
    canvas.arrowhead((0.72, 0.72), (1, 1), 0.66, WHITE)


def roundabout(canvas: Canvas) -> None:
    """Three arrows that chase each other."""
    for start in (-80, 40, 160):
        canvas.line(arc((0, 0), 0.62, 0.62, start + 92, start + 34), 0.22, WHITE)
        tip, along = arc((0, 0), 0.62, 0.62, start, start + 24)[::4]
        canvas.arrowhead(tip, (along[1], -along[0]), 0.46, WHITE)
