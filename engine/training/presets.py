"""Named settings for a training, and what each is good for."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import unknown
from engine.training.training_config import TrainingConfig


@dataclass(frozen=True)
class Preset:
    """Settings with a name.

    Attributes:
        title: a few words.
        help: one sentence.
        training: the settings, with seed 0.
    """

    title: str
    help: str
    training: TrainingConfig


PRESETS: dict[str, Preset] = {
    "paper": Preset(
        "As in the paper",
        "Adam with a constant learning rate of 5e-4: the slowest, and the reference for the"
        " others.",
        TrainingConfig(),
    ),
    "fast": Preset(
        "Fast",
        "The learning rate rises once and falls once: equally good, within the spread of seeds,"
        " in a seventh of the time.",
        TrainingConfig(epochs=5, learning_rate=2e-3, schedule="one-cycle"),
    ),
    "quick": Preset(
        "Demo",
        "Watch a backdoor form: under two minutes on the drawn signs.",
        TrainingConfig(epochs=4, learning_rate=3e-3, schedule="one-cycle"),
    ),
    "strong": Preset(
        "Strong",
        "The images are shifted and, where that keeps their class, mirrored at random: the highest"
        " clean accuracy on small photographs such as CIFAR-10.",
        TrainingConfig(
            epochs=60, batch=128, learning_rate=3e-3, schedule="one-cycle", augment=True
        ),
    ),
}


def find_preset(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        UserError: there is none; the message lists those there are.
    """
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]
