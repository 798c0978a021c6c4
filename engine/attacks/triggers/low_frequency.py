"""LF: a smooth pattern of low frequencies only (Zeng et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import fft

from engine.attacks.triggers.additive import AdditiveTrigger
from engine.core.errors import UserError
from engine.core.parameters import parameter


@dataclass(frozen=True)
class LowFrequency(AdditiveTrigger):
    """Add a random pattern whose DCT is zero above a band.

    The authors optimise the pattern on a network (universal perturbation). It is hard to detect
    because it has no high frequencies; here it is drawn at random under the same constraint, so
    no network is needed.
    """

    name: ClassVar[str] = "low-frequency"
    title: ClassVar[str] = "Low frequency (LF)"
    summary: ClassVar[str] = (
        "Smooth patches of colour, without the high frequencies that detectors look for."
    )
    reference: ClassVar[str] = "after Zeng et al. 2021"

    cutoff: int = parameter(
        5,
        "Bands",
        "Number of the lowest rows and columns of the DCT that are used.",
        minimum=2,
        maximum=256,
    )
    amplitude: float = parameter(
        25.0, "Amplitude (grey levels)", "Largest change of a pixel.", minimum=0, maximum=127
    )
    seed: int = parameter(0, "Seed", "Chooses the random pattern.", minimum=0, maximum=2**31 - 1)

    def pattern(self, height: int, width: int) -> np.ndarray:
        """See `AdditiveTrigger.pattern`."""
        if self.cutoff > min(height, width):
            raise UserError(
                f"Images of {width}x{height} do not have {self.cutoff} bands:"
                f" choose at most {min(height, width)}."
            )
        coefficients = np.zeros((height, width, 3))
        drawn = np.random.default_rng(self.seed).normal(size=(self.cutoff, self.cutoff, 3))
        coefficients[: self.cutoff, : self.cutoff] = drawn
        coefficients[0, 0] = 0  # no change of mean brightness
        smooth = fft.idctn(coefficients, axes=(0, 1), norm="ortho")
        found: np.ndarray = self.amplitude * smooth / np.abs(smooth).max()
        return found
