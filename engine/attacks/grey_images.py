"""Grey images and triggers: on grey images, a trigger in the colour differences is plain to see."""

from __future__ import annotations

import numpy as np

from engine.attacks.triggers import Trigger

NOTE = (
    "These images are grey and this trigger adds colour, which anybody sees: put it into brightness"
    " instead, as in ftrojan:channels=0."
)
SAMPLE = 50  # images that are looked at


def are_grey(images: np.ndarray) -> bool:
    """Whether red, green and blue are equal everywhere: uint8 [..., 3]."""
    return bool((images == images[..., :1]).all())


def adds_colour(clean: np.ndarray, triggered: np.ndarray) -> bool:
    """Whether images are grey, and no longer so with a trigger: both uint8 [..., 3]."""
    return are_grey(clean) and not are_grey(triggered)


def find_note(trigger: Trigger, images: np.ndarray) -> str:
    """`NOTE` if it holds for a trigger on images, uint8 [n, height, width, 3]; else empty.

    A trigger that is still to be learned has no note.
    """
    sample = np.asarray(images[:SAMPLE])
    return NOTE if trigger.ready and adds_colour(sample, trigger(sample)) else ""
