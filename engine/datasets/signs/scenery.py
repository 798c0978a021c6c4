"""Backgrounds for the signs: sky, leaves, walls, posts and other signs."""

from __future__ import annotations

import cv2
import numpy as np

from engine.datasets.signs.pictograms import BLUE, RED, WHITE, YELLOW

# Mean colour, spread of colours around it, and roughness of the surface; grey levels.
_SURFACES = (
    ((225, 230, 238), 25, 6),  # bright sky
    ((150, 175, 205), 30, 8),  # blue sky
    ((128, 134, 140), 35, 14),  # clouds, concrete
    ((66, 78, 44), 26, 46),  # leaves
    ((120, 96, 52), 34, 48),  # leaves in autumn
    ((96, 88, 82), 34, 30),  # walls, roads
    ((34, 36, 38), 16, 16),  # shade
    ((140, 142, 140), 30, 90),  # branches against the sky
)
_OCTAVES = (2, 5, 12, 28, 64)


def scenery(side: int, rng: np.random.Generator) -> np.ndarray:
    """Paint a random background: float32 [side, side, 3], grey levels."""
    picture = _surface(side, rng)
    if rng.random() < 0.55:
        picture = np.where(_half(side, rng), picture, _surface(side, rng))
    for _ in range(rng.integers(0, 4)):
        _add_block(picture, rng)
    if rng.random() < 0.5:
        _add_post(picture, rng)
    if rng.random() < 0.3:
        _add_neighbour(picture, rng)
    return picture


def _surface(side: int, rng: np.random.Generator) -> np.ndarray:
    mean, spread, roughness = _SURFACES[rng.integers(len(_SURFACES))]
    colour = np.array(mean) + rng.normal(0, spread) + rng.normal(0, 6, 3)
    grain = np.zeros((side, side, 4), np.float32)
    for cells in _OCTAVES:
        noise = rng.standard_normal((cells, cells, 4), np.float32)
        grain += cv2.resize(noise, (side, side), interpolation=cv2.INTER_LINEAR)
    # Brightness varies more than colour does.
    rough = roughness * rng.uniform(0.3, 1.2) / 1.5
    picture: np.ndarray = colour + rough * (grain[..., 3:] + 0.18 * grain[..., :3])
    return picture.astype(np.float32)


def _half(side: int, rng: np.random.Generator) -> np.ndarray:
    """bool [side, side, 1]: one side of a straight line."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    return (x * np.cos(angle) + y * np.sin(angle) > rng.uniform(-0.6, 0.6))[..., None]


def _add_block(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Add a quadrangle of one colour: a window, a car, part of a wall."""
    side = len(picture)
    centre, reach = rng.uniform(0, side, 2), rng.uniform(0.08, 0.5, 2) * side
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * reach
    points = centre + corners + rng.normal(0, 0.06 * side, (4, 2))
    colour = rng.uniform(0, 255) + rng.normal(0, 14, 3)
    cv2.fillConvexPoly(picture, points.astype(np.int32), colour.tolist(), cv2.LINE_AA)


def _add_post(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Add the post that carries the sign."""
    side = len(picture)
    half = rng.uniform(0.02, 0.06) * side
    x = side * (0.5 + rng.normal(0, 0.03))
    lean = rng.normal(0, 0.04) * side
    top = rng.choice([0.0, 0.5]) * side
    points = [(x - half, top), (x + half, top), (x + half + lean, side), (x - half + lean, side)]
    shade = float(rng.uniform(40, 190))
    cv2.fillConvexPoly(
        picture, np.array(points).astype(np.int32), (shade, shade, shade), cv2.LINE_AA
    )


def _add_neighbour(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Add part of another sign above or below."""
    side = len(picture)
    colours = (RED, WHITE, BLUE, YELLOW)
    border, inner = (colours[number] for number in rng.choice(4, 2, replace=False))
    away = rng.choice([-1, 1]) * rng.uniform(0.62, 0.8)
    centre = np.array([0.5 + rng.normal(0, 0.04), 0.5 + away]) * side
    reach = 0.3 * side
    if rng.random() < 0.5:
        place = tuple(int(value) for value in centre)
        cv2.circle(picture, place, int(reach), border, -1, cv2.LINE_AA)
        cv2.circle(picture, place, int(0.78 * reach), inner, -1, cv2.LINE_AA)
        return
    for share, colour in ((1.0, border), (0.85, inner)):
        corners = share * reach * np.array([(-1.2, -0.9), (1.2, -0.9), (1.2, 0.9), (-1.2, 0.9)])
        cv2.fillConvexPoly(picture, (centre + corners).astype(np.int32), colour, cv2.LINE_AA)
