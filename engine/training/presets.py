"""Settings of a training that have a name, and what each is good for."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import UserError
from engine.training.fit import TrainingConfig


@dataclass(frozen=True)
class Preset:
    """Settings with a name.

    Attributes:
        title: a few words.
        help: one sentence.
        settings: with seed 0.
    """

    title: str
    help: str
    settings: TrainingConfig


PRESETS: dict[str, Preset] = {
    "paper": Preset(
        "As in the paper",
        "Adam with a constant learning rate of 5e-4; the longest way, and the one to compare.",
        TrainingConfig(),
    ),
    "fast": Preset(
        "Fast",
        "The learning rate rises and falls once: as good, within the spread of seeds, in a seventh"
        " of the time.",
        TrainingConfig(epochs=5, learning_rate=2e-3, schedule="one-cycle"),
    ),
    "quick": Preset(
        "Quick, to watch",
        "A backdoor before your eyes, on the drawn signs, in under two minutes.",
        TrainingConfig(epochs=4, learning_rate=3e-3, schedule="one-cycle"),
    ),
}


def find_preset(name: str) -> Preset:
    """The preset called `name`; a `UserError` lists those there are."""
    if name not in PRESETS:
        raise UserError(f"There is no preset '{name}': choose from {', '.join(PRESETS)}.")
    return PRESETS[name]
