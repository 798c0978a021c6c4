"""What every detector is."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from engine.core.errors import UserError
from engine.core.parameters import Parameterized
from engine.datasets.dataset import Split
from engine.defenses.inversion import RecoveredTrigger

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Detection:
    """What a detector found.

    Attributes:
        scores: float64 [classes]; the higher, the more suspicious.
        unit: of the scores, such as "dB".
        flagged: the classes that a backdoor is likely to lead to; empty if there are none.
        trigger: what leads to the first flagged class, where the detector recovers that.
    """

    scores: np.ndarray
    unit: str
    flagged: tuple[int, ...]
    trigger: RecoveredTrigger | None = None

    @property
    def margin(self) -> float:
        """How far the highest score is above the median class's, in `unit`."""
        return float(self.scores.max() - np.median(self.scores))

    def apply_trigger(self, images: np.ndarray) -> np.ndarray:
        """Images with the recovered trigger: uint8 [n, height, width, 3], like the images given.

        Raises:
            UserError: no trigger was recovered.
        """
        if self.trigger is None:
            raise UserError(
                "No trigger was recovered: no class is flagged, or choose another detector."
            )
        return self.trigger.apply(images)

    def evidence(self, class_names: tuple[str, ...]) -> pd.DataFrame:
        """A row per class, the most suspicious first: label, name, score, flagged."""
        labels = np.arange(len(self.scores))
        table = pd.DataFrame(
            {
                "label": labels,
                "name": class_names,
                "score": self.scores.round(2),
                "flagged": np.isin(labels, self.flagged),
            }
        )
        return table.sort_values("score", ascending=False, kind="stable", ignore_index=True)

    def describe(self, class_names: tuple[str, ...]) -> str:
        """The finding in one sentence."""
        names = ", ".join(class_names[label] for label in self.flagged)
        most = f"{self.margin:.2g} {self.unit} above the median class"
        if not names:
            return f"No class is flagged: the highest score is only {most}."
        return f"Flagged: {names}. The highest score is {most}."

    def details(self) -> dict[str, Any]:
        """The finding for a card, ready for JSON."""
        return {"flagged": list(self.flagged), "scores": self.scores.round(2).tolist()}


@dataclass(frozen=True)
class Detector(Parameterized):
    """Says from a network and clean images whether there is a backdoor, and where it leads.

    Its fields are its parameters.

    Attributes:
        summary: what it does, in one sentence.
        reference: where it was published.
    """

    required: ClassVar[tuple[str, ...]] = ("name", "title", "summary", "reference")
    summary: ClassVar[str]
    reference: ClassVar[str]

    @abstractmethod
    def __call__(self, network: keras.Model, images: Split) -> Detection:
        """Search for a backdoor.

        Args:
            network: from floats 0 to 1 to probabilities; not changed.
            images: clean, with labels; all that a defender has.

        Raises:
            UserError: the images or the network do not suit the detector.
        """
