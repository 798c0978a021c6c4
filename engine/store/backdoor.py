"""The backdoor on a model's card: a trigger, and the class it leads to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.attacks.triggers import Trigger, parse_trigger
from engine.evaluation.targets import NEXT_CLASS, NEXT_NAME, target_labels


@dataclass(frozen=True)
class Backdoor:
    """The backdoor that a network was given, is assumed to have, or was tested for.

    Attributes:
        text: the trigger as text; see `engine.attacks.triggers.parse_trigger`.
        target: the class it leads to, or `targets.NEXT_CLASS`.
        class_names: of the network, in the order of its outputs.
        assumed: whether a person named trigger and target, who did not train the network.
    """

    text: str
    target: int
    class_names: tuple[str, ...]
    assumed: bool = False

    @property
    def trigger(self) -> Trigger:
        """The trigger itself."""
        return parse_trigger(self.text)

    @property
    def target_name(self) -> str:
        """The name of the target class."""
        return NEXT_NAME if self.target == NEXT_CLASS else self.class_names[self.target]

    def target_for(self, label: int) -> int:
        """The class that a triggered image of class `label` is to get."""
        return int(target_labels(np.array([label]), self.target, len(self.class_names))[0])
