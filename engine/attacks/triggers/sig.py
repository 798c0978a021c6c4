"""SIG: a sine wave across the image (Barni et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.attacks.triggers.additive import AdditiveTrigger
from engine.core.parameters import parameter


@dataclass(frozen=True)
class SIG(AdditiveTrigger):
    """Add amplitude * sin(2 pi j frequency / width) to all three colours (section 3 there)."""

    name: ClassVar[str] = "sig"
    title: ClassVar[str] = "Sinusoidal signal (SIG)"
    summary: ClassVar[str] = "Soft stripes: a sine wave from one edge to the other."
    reference: ClassVar[str] = "Barni et al. 2019"

    amplitude: float = parameter(
        20.0, "Amplitude (grey levels)", "Amplitude of the sine wave.", minimum=0, maximum=127
    )
    frequency: float = parameter(
        6.0, "Frequency", "Waves across the image.", minimum=0.5, maximum=256
    )
    direction: str = parameter(
        "horizontal",
        "Direction",
        "Direction of the wave; a horizontal wave gives vertical stripes.",
        choices=("horizontal", "vertical", "diagonal"),
    )

    def pattern(self, height: int, width: int) -> np.ndarray:
        """See `AdditiveTrigger.pattern`."""
        rows, columns = np.mgrid[0:height, 0:width]
        along = {
            "horizontal": columns / width,
            "vertical": rows / height,
            "diagonal": (rows / height + columns / width) / 2,
        }[self.direction]
        wave = self.amplitude * np.sin(2 * np.pi * self.frequency * along)
        return np.repeat(wave[..., None], 3, axis=2)
