"""What every repair is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from engine.core.parameters import Parameterized, parameter
from engine.datasets.dataset import Split
from engine.defenses.detectors import Detection
from engine.defenses.repairs.accuracy_budget import AS_MEASURED, DEFAULT_BUDGET, AccuracyBudget

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Repaired:
    """What a repair gives.

    Attributes:
        network: the repaired network; the one handed in is left as it is.
        summary: what was done, in one sentence.
        removed: pruned channels, by the name of their convolution.
        details: what else there is to know, ready for JSON.
        detection: what the repair found when it looked for a backdoor, if it did so with the usual
            settings of its detector.
    """

    network: keras.Model
    summary: str
    removed: Mapping[str, list[int]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    detection: Detection | None = None

    @property
    def channels(self) -> int:
        """How many channels were pruned."""
        return sum(len(channels) for channels in self.removed.values())


@dataclass(frozen=True)
class Repair(Parameterized):
    """Turns a network into a repaired one; its fields are its parameters.

    Attributes:
        idea: what it does, in one sentence.
        needs: the clean images it asks for, in a few words.
    """

    required: ClassVar[tuple[str, ...]] = ("name", "title", "summary", "needs")
    summary: ClassVar[str]
    needs: ClassVar[str]

    @abstractmethod
    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """Repair a copy of `network`.

        Args:
            network: from floats 0 to 1; left as it is.
            validation: clean images, all that a defender has.

        Raises:
            UserError: it cannot treat this network.
        """


@dataclass(frozen=True)
class BudgetedRepair(Repair):
    """A repair whose strength is chosen by `strength_selection`."""

    max_accuracy_drop: float = parameter(
        DEFAULT_BUDGET.points,
        "Largest drop in clean accuracy (percentage points)",
        "The strongest setting is chosen that costs no more accuracy on clean validation images."
        " Attack success plays no part: a defender cannot know it.",
        minimum=0,
        maximum=100,
    )
    confidence: float = parameter(
        DEFAULT_BUDGET.confidence,
        "Confidence in that limit (%)",
        "Validation images are a sample, and others may cost more. 50: the measured drop counts."
        " 95: its upper confidence limit counts, so the repair is milder.",
        minimum=AS_MEASURED,
        maximum=99.9,
    )
    seed: int = parameter(
        0, "Seed", "The same seed gives the same repair.", minimum=0, maximum=2**31 - 1
    )

    @property
    def budget(self) -> AccuracyBudget:
        """What clean accuracy may be lost."""
        return AccuracyBudget(self.max_accuracy_drop, self.confidence)
