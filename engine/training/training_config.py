"""The settings that a network is trained with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.core.errors import UserError, unknown

Schedule = Literal["constant", "one-cycle"]
SCHEDULES: tuple[Schedule, ...] = ("constant", "one-cycle")
Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained; the defaults are the paper's (section 3.1).

    Attributes:
        epochs: passes over the training set; the paper does not give their number.
        batch: images per step.
        learning_rate: of Adam; the peak where the schedule varies it.
        schedule: "constant", or "one-cycle": a linear rise over the first quarter of the steps,
            then a cosine decay to zero (after Smith and Topin 2018).
        seed: decides initial weights, dropout, the order of images and their augmentation.
        augment: whether images are shifted at random in every epoch, and mirrored where a mirror
            image shows the same class; see `Augmentation`.
        precision: of the layers in between the first and the last while training; weights are
            float32 always. "bfloat16" trains the paper's network faster on processors with
            instructions for it, and no other network.

    Raises:
        UserError: a value is out of range.
    """

    epochs: int = 30
    batch: int = 64
    learning_rate: float = 5e-4
    schedule: Schedule = "constant"
    seed: int = 0
    augment: bool = False
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        _check_between("number of epochs", self.epochs, 1, 10_000)
        _check_between("batch", self.batch, 1, 65_536)
        _check_between("learning rate", self.learning_rate, 1e-9, 10)
        _check_between("seed", self.seed, 0, 2**31 - 1)
        if self.schedule not in SCHEDULES:
            raise unknown("schedule", self.schedule, SCHEDULES)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)

    def identity(self) -> dict[str, Any]:
        """The settings that may not change when an interrupted training resumes.

        With a constant learning rate, more epochs can be added; a cycle has a fixed length.
        """
        settings = asdict(self)
        if self.schedule == "constant":
            del settings["epochs"]
        return settings


def _check_between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(f"The {name} must lie between {low:g} and {high:g}, not at {value:g}.")
