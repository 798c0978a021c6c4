"""Pictures inside the HTML of this page, and what triggers do to an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app import caches
from app.caches.shown_images import Effect
from engine.core.errors import UserError
from engine.imaging.render import apply_viridis, data_url


@dataclass(frozen=True)
class Picture:
    """An image inside a page; the page enlarges it, so it is sent in its own size."""

    url: str
    alternative: str
    caption: str


def embed(image: np.ndarray, alternative: str, caption: str) -> Picture:
    """An image, uint8 [height, width, 3], with its text alternative and caption."""
    return Picture(data_url(image), alternative, caption)


def apply_triggers(clean: np.ndarray, triggers: Mapping[str, str]) -> dict[str, Effect | str]:
    """The effect of each trigger on an image, or the reason why it cannot be applied.

    Args:
        clean: uint8 [height, width, 3].
        triggers: name -> trigger as text.
    """
    effects: dict[str, Effect | str] = {}
    for name, trigger in triggers.items():
        try:
            effects[name] = caches.shown_images.effect(clean, trigger)
        except UserError as error:
            effects[name] = str(error)
    return effects


def spectrum_image(magnitudes: np.ndarray, top: float) -> np.ndarray:
    """A spectrum in the colours of the Spectra page.

    Args:
        magnitudes: of coefficients, [height, width].
        top: the magnitude shown brightest.

    Returns:
        uint8 [height, width, 3].
    """
    return apply_viridis(np.log10(1 + magnitudes), 0.0, float(np.log10(1 + top)))
