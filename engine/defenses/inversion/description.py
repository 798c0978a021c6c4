"""A recovered trigger in words."""

from __future__ import annotations

import numpy as np

from engine.defenses.inversion import FAMILIES, RecoveredTrigger

_PLACES = (
    ("in the upper left corner", "at the top", "in the upper right corner"),
    ("at the left edge", "in the middle", "at the right edge"),
    ("in the lower left corner", "at the bottom", "in the lower right corner"),
)
COMPACT = 0.25  # share of the image up to which the box around a patch says where it lies


def describe(trigger: RecoveredTrigger) -> str:
    """What is put on an image, and how large it is, for the middle of a sentence."""
    title = FAMILIES[trigger.family].title
    if trigger.family == "patch" and trigger.mask is not None:
        return f"{title} {_extent(trigger.mask[..., 0], trigger.size)}"
    if trigger.family == "blend":
        return f"{title} ({100 * trigger.size:.0f} % opaque)"
    return f"{title} ({trigger.size:.2g} {trigger.unit})"


def _extent(mask: np.ndarray, pixels: float) -> str:
    """Size and place of a patch, from its opacities: float32 [height, width]."""
    box = patch_box(mask)
    height, width = (axis.stop - axis.start for axis in box)
    if height * width > COMPACT * mask.size:
        return f"of {pixels:.0f} pixels, spread over the image"
    return f"of {height}x{width} pixels {_place(box, mask.shape)}"


def patch_box(mask: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns that hold all pixels at least half as opaque as the most opaque one.

    Args:
        mask: opacities, float32 [height, width].
    """
    opaque = mask >= mask.max() / 2
    rows, columns = (np.flatnonzero(opaque.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _place(box: tuple[slice, slice], shape: tuple[int, ...]) -> str:
    """In which ninth of the image a box lies."""
    row, column = (
        min(2, int(3 * (part.start + part.stop) / 2 / length))
        for part, length in zip(box, shape, strict=True)
    )
    return _PLACES[row][column]
