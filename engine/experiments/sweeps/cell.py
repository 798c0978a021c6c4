"""A cell of a sweep: one training, and what is then tried on the network."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from engine.attacks.poisoning import PoisoningConfig, check_rate
from engine.attacks.triggers import parse_trigger
from engine.core import command_line
from engine.core.version import program_version
from engine.datasets import default_target
from engine.defenses.detectors import parse_detector
from engine.defenses.pruning.orders import find_order
from engine.defenses.repairs import parse_repair
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.workers.task import Task
from engine.networks.architectures import parse_architecture
from engine.training.presets import find_preset
from engine.training.training_config import Precision, TrainingConfig

KEY_LENGTH = 16  # hexadecimal digits
TRIED = ("pruning", "detectors", "repairs")  # on a network, once it is trained


@dataclass(frozen=True)
class Cell:
    """The settings of one cell, all as plain values, so that any machine can do its work.

    Attributes:
        dataset: its name.
        network: the architecture as text, such as ``resnet:width=32``.
        attack: the name of a recipe, or the trigger's name where it is none.
        trigger: with all its values, as text.
        poisoning: the fields of `PoisoningConfig`, as pairs of name and value.
        rate: share of the training images that are poisoned; 0 trains a clean network.
        target: a class, or `targets.NEXT_CLASS`.
        preset: of the training.
        epochs: replaces the preset's number of epochs, unless None.
        precision: of the training; see `TrainingConfig`.
        seed: of the training.
        pruning: orders of pruning; the network is pruned in each.
        detectors: as text; each looks for a backdoor in the network.
        repairs: as text; each repairs the network.
    """

    dataset: str
    network: str
    attack: str
    trigger: str
    poisoning: tuple[tuple[str, Any], ...]
    rate: float
    target: int
    preset: str
    epochs: int | None
    precision: Precision
    seed: int
    pruning: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same for the same settings and the same version of the program."""
        text = json.dumps([program_version(), asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]

    @property
    def training_key(self) -> str:
        """The key of the same network with nothing tried on it."""
        return dataclasses.replace(self, pruning=(), detectors=(), repairs=()).key

    @property
    def title(self) -> str:
        """A few words."""
        parts = [self.dataset, self.attack, f"rate {self.rate:g}", f"seed {self.seed}"]
        return ", ".join(parts)

    def settings(self) -> dict[str, Any]:
        """The settings as the columns of a table: text and numbers."""
        return {
            "dataset": self.dataset,
            "network": self.network,
            "attack": self.attack,
            **{f"trigger_{name}": value for name, value in self.trigger_values().items()},
            "labels": dict(self.poisoning)["labels"],
            "rate": self.rate,
            "target": "next" if self.target == NEXT_CLASS else str(self.target),
            "preset": self.preset,
            "epochs": self.training().epochs,
            "precision": self.precision,
            "seed": self.seed,
        }

    def trigger_values(self) -> dict[str, Any]:
        """The trigger's parameters that are single numbers, for axes of a chart."""
        trigger = parse_trigger(self.trigger)
        values = {name: getattr(trigger, name) for name in trigger.parameters()}
        return {name: value for name, value in values.items() if _is_number(value)}

    def training(self) -> TrainingConfig:
        """How the network is fitted."""
        config = dataclasses.replace(
            find_preset(self.preset).training, seed=self.seed, precision=self.precision
        )
        return config if self.epochs is None else dataclasses.replace(config, epochs=self.epochs)

    def plan(self) -> AttackPlan:
        """What is trained."""
        return AttackPlan(
            parse_trigger(self.trigger),
            self.target,
            self.rate,
            self.training(),
            PoisoningConfig(**dict(self.poisoning)),
            f"{self.dataset}-clean",
            parse_architecture(self.network),
        )

    def check(self) -> None:
        """Raise `UserError` unless every setting is one that there is."""
        plan = self.plan()
        plan.poisoning.check(plan.trigger, plan.target)
        check_rate(self.rate)
        default_target(self.dataset)  # raises unless there is such a dataset
        for name in self.pruning:
            find_order(name)
        for text in self.detectors:
            parse_detector(text)
        for text in self.repairs:
            parse_repair(text)

    def task(self, model: str = "model", network: bytes = b"") -> Task:
        """What a worker is to do.

        Args:
            model: what the network is called on its card.
            network: an archive with it, if it is trained already; see `model_archive`.
        """
        surrogate = self.plan().surrogate
        work = "engine.experiments.sweeps.cell_work"
        return Task(self.key, self.title, work, self.to_json(), model, network, surrogate)

    def command(self, model: str) -> str:
        """The command that trains the same network."""
        epochs = [] if self.epochs is None else ["--epochs", str(self.epochs)]
        return command_line.command(
            *("train", self.dataset, "--name", model, "--preset", self.preset, *epochs),
            *("--precision", self.precision, "--seed", str(self.seed)),
            *self.plan().command_options(),
        )

    def to_json(self) -> str:
        """The settings as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Cell:
        """The cell that `to_json` wrote."""
        values = json.loads(text)
        values["poisoning"] = tuple(map(tuple, values["poisoning"]))
        return cls(**values | {name: tuple(values[name]) for name in TRIED})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
