"""The plan of an attack: everything that decides what a training produces."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any

from engine import store
from engine.attacks import poisoning
from engine.attacks.poisoning import PoisoningConfig
from engine.attacks.triggers import Trigger
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments.eval_pairs import check_attackable
from engine.networks.architectures import Architecture, PaperNetwork
from engine.training.training_config import TrainingConfig


@dataclass(frozen=True)
class AttackPlan:
    """How a training set is poisoned and a network trained on it; the defaults are the paper's.

    Attributes:
        trigger: applied to the poisoned images.
        target: the class they lead to, or `targets.NEXT_CLASS`.
        rate: share of the training images that are poisoned. 0 trains a clean network, which is
            still evaluated with trigger and target.
        training: how the network is fitted.
        poisoning: which images are poisoned, and what else is done to the training set.
        surrogate: name of a stored clean model that some attacks learn from; see
            `needs_surrogate`.
        architecture: the network that is trained; that of the surrogate where the pruning-aware
            attack continues its training.
    """

    trigger: Trigger
    target: int
    rate: float = 0.05
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    poisoning: PoisoningConfig = dataclasses.field(default_factory=PoisoningConfig)
    surrogate: str = ""
    architecture: Architecture = dataclasses.field(default_factory=PaperNetwork)

    def check(self, dataset: Dataset) -> None:
        """Raise `UserError` unless the plan fits the dataset."""
        poisoning.check_rate(self.rate)
        poisoning.check_target(self.target, dataset.classes)
        self.poisoning.check(self.trigger, self.target)
        if self.poisoning.dormant_share and not self.rate:
            raise UserError(
                "Dormant channels protect a backdoor: choose a poisoning rate above 0, or no"
                " dormant channels."
            )
        if self.trigger.ready:
            self.trigger(dataset.validation.images[:1])
        if self.needs_surrogate():
            self.check_surrogate()
        for split in ("validation", "test"):
            check_attackable(dataset, split, self.target)

    def check_surrogate(self) -> None:
        """Raise `UserError` unless the attack can learn from the surrogate."""
        if self.surrogate not in store.names():
            raise UserError(
                "This attack learns from a network trained on clean images, and there is no model"
                f" '{self.surrogate}': train one with poisoning rate 0 first, or name another."
            )
        card = store.find(self.surrogate).card
        if not card.is_clean:
            raise UserError(
                f"'{self.surrogate}' has a backdoor already, or may have one: name a clean model to"
                " learn from."
            )
        network = str(card.training.get("architecture", PaperNetwork.name))
        if self.poisoning.dormant_share and network != str(self.architecture):
            raise UserError(
                f"With dormant channels, training continues from '{self.surrogate}', whose network"
                f" is {network}, not {self.architecture}: choose that network, or no dormant"
                " channels."
            )

    def needs_surrogate(self) -> bool:
        """Whether the attack learns from a clean network.

        It does if the trigger still has to learn, images get a PGD perturbation, or the backdoor
        is to avoid dormant channels.
        """
        return (
            self.poisoning.pgd_epsilon > 0
            or self.poisoning.dormant_share > 0
            or not self.trigger.ready
        )

    def command_options(self) -> list[str]:
        """The options of the `train` command that describe this poisoning; defaults left out."""
        options = ["--trigger", str(self.trigger), "--rate", f"{self.rate:g}"]
        if self.poisoning.labels != PoisoningConfig.labels:
            options += ["--labels", self.poisoning.labels]
        if self.poisoning.pgd_epsilon:
            options += ["--pgd-epsilon", f"{self.poisoning.pgd_epsilon:g}"]
        if self.poisoning.cross_samples != self.trigger.cross_samples_each:
            options += ["--cross-samples", f"{self.poisoning.cross_samples:g}"]
        if self.poisoning.dormant_share:
            options += ["--dormant-share", f"{self.poisoning.dormant_share:g}"]
        if self.needs_surrogate() and self.surrogate:
            options += ["--surrogate", self.surrogate]
        if self.architecture != PaperNetwork():
            options += ["--network", str(self.architecture)]
        return [*options, "--target", "next" if self.target == NEXT_CLASS else str(self.target)]

    def identity(self, dataset: Dataset) -> dict[str, Any]:
        """What may not change when an interrupted training resumes."""
        return {
            "dataset": dataset.name,
            "images": len(dataset.train),
            "trigger": str(self.trigger),
            "target": self.target,
            "rate": self.rate,
            **asdict(self.poisoning),
            "surrogate": self.surrogate if self.needs_surrogate() else "",
            "architecture": str(self.architecture),
            **self.training.identity(),
        }
