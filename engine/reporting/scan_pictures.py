"""What a scan recovered, as pictures: on an image, amplified, and beside the trigger known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from engine.core.errors import UserError
from engine.defenses.inversion import RecoveredTrigger
from engine.imaging.render import MID_GREY, amplify_difference
from engine.store import ModelCard

GAINS = (100, 50, 30, 20, 15, 10, 5, 3, 2)  # of a change; the first that does not clip it is taken
GRID = 4  # pixels between the lines that show a warp

Pictures = dict[str, np.ndarray]  # caption -> uint8 [height, width, 3]


def beside_known(card: ModelCard, trigger: RecoveredTrigger, image: np.ndarray) -> Pictures:
    """An image with the recovered trigger and, if the network has a known one, with that.

    Args:
        card: of the network.
        trigger: what the scan recovered.
        image: clean, uint8 [height, width, 3].

    Returns:
        The image, its triggered copies, and what each trigger changes, amplified alike.
    """
    triggered = {"Recovered": _put_on(trigger.apply, image)}
    if card.backdoor is not None and not card.is_clean:
        with suppress(UserError):  # it was learned elsewhere, or does not fit this image
            name = "Assumed" if card.assumed else "Attacker's"
            triggered[name] = _put_on(card.backdoor.trigger, image)
    copies = {f"{name} trigger": copy for name, copy in triggered.items()}
    gain = min(_gain(image, copy) for copy in triggered.values())
    times = f", {gain} times" if gain > 1 else ""
    changes = {
        f"{name} change{times}": amplify_difference(image, copy, gain)
        for name, copy in triggered.items()
    }
    return {"Clean": image, **copies, **changes}


def alone(trigger: RecoveredTrigger, height: int, width: int) -> np.ndarray:
    """The recovered trigger by itself, around grey; a warp as it bends a grid.

    Returns:
        uint8 [height, width, 3].
    """
    ground = neutral(trigger, height, width)
    triggered = _put_on(trigger.apply, ground)
    if trigger.field is not None:
        return triggered
    return amplify_difference(ground, triggered, _gain(ground, triggered))


def neutral(trigger: RecoveredTrigger, height: int, width: int) -> np.ndarray:
    """An image without content, on which a trigger can be seen: uint8 [height, width, 3]."""
    ground = np.full((height, width, 3), MID_GREY, np.uint8)
    if trigger.field is not None:
        ground[::GRID] = ground[:, ::GRID] = 255
    return ground


def _put_on(trigger: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    triggered: np.ndarray = trigger(image[np.newaxis])[0]
    return triggered


def _gain(clean: np.ndarray, triggered: np.ndarray) -> int:
    """How often a change can be amplified around mid-grey without being clipped."""
    largest = int(np.abs(triggered.astype(int) - clean).max())
    return next((gain for gain in GAINS if gain * largest < MID_GREY), 1)
