"""The attacks that the paper names, each with its own rate and labels, side by side."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

from engine import store
from engine.attacks.poisoning import PoisoningConfig
from engine.attacks.triggers import LearnedTrigger, parse_trigger
from engine.core import jobs, progress
from engine.core.errors import UserError
from engine.core.progress import Stopped
from engine.datasets import Dataset, short_name
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.defenses.repairs import Repair
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments import run_repairs
from engine.experiments.experiment import AttackPlan, last_convolution, paper_target, prune, train
from engine.store import StoredModel, pruning_curves
from engine.training.fit import TrainingConfig
from engine.training.presets import find_preset

ALL_OF_TARGET = 0.045  # of GTSRB's training images: nine tenths of what shows class 10
PREFIX = "attack-"  # of the names of such models
CHECKER = "badnets:figure=checker"  # a plain white square is lost on a white sky


@dataclass(frozen=True)
class Attack:
    """A trigger and the way its authors poison with it.

    Attributes:
        title: what a table calls it.
        trigger: as text.
        rate: share of the training images.
        mode: see `poisoning.PoisoningConfig`.
        target: see `AttackPlan.target`; the paper's where it is None.
    """

    title: str
    trigger: str
    rate: float = 0.05
    mode: PoisoningConfig = field(default_factory=PoisoningConfig)
    target: int | None = None

    def plan(self, dataset: str, settings: TrainingConfig) -> AttackPlan:
        """How a network is trained with it on the dataset of that name."""
        return AttackPlan(
            parse_trigger(self.trigger),
            paper_target(dataset) if self.target is None else self.target,
            self.rate,
            settings,
            self.mode,
            _surrogate(dataset),
        )


ATTACKS: dict[str, Attack] = {
    "none": Attack("No attack", "ftrojan", rate=0),
    "ftrojan": Attack("FTrojan", "ftrojan"),
    "ftrojan-rgb": Attack("FTrojan, in RGB", "ftrojan:colour_space=RGB,channels=0+1+2"),
    "ftrojan-clean-label": Attack(
        "FTrojan, clean label",
        "ftrojan",
        ALL_OF_TARGET,
        PoisoningConfig("clean-label", pgd_epsilon=16.0),
    ),
    "pruning-aware": Attack(
        "FTrojan that knows of pruning", "ftrojan", mode=PoisoningConfig(dormant_share=0.5)
    ),
    "badnets": Attack("BadNets", CHECKER),
    "badnets-all-to-all": Attack("BadNets, each class as the next", CHECKER, target=NEXT_CLASS),
    "blend": Attack("Blend", "blend"),
    "trojan-nn": Attack("TrojanNN", "trojan-nn"),
    "label-consistent": Attack(
        "Clean label (label-consistent)",
        "badnets:place=corners,figure=checker,margin=0",
        ALL_OF_TARGET,
        PoisoningConfig("clean-label", pgd_epsilon=16.0),
    ),
    "dynamic": Attack("Dynamic (random patch)", "dynamic"),
    "ban": Attack("Dynamic (BaN)", "ban"),
    "input-aware": Attack(
        "Input-aware (IAB)", "input-aware", 0.1, mode=PoisoningConfig(cross_samples=1.0)
    ),
    "sig": Attack(
        "SIG, clean label", "sig:amplitude=40", ALL_OF_TARGET, PoisoningConfig("clean-label")
    ),
    "refool": Attack("ReFool", "refool"),
    "wanet": Attack("WaNet", "wanet", 0.1, mode=PoisoningConfig(cross_samples=2.0)),
    "low-frequency": Attack("Low frequency (LF)", "low-frequency"),
    "bpp": Attack("BppAttack", "bpp", 0.1, mode=PoisoningConfig(cross_samples=1.0)),
}


def find_attack(name: str) -> Attack:
    """The attack called `name`; a `UserError` lists those there are."""
    if name not in ATTACKS:
        raise UserError(f"There is no attack '{name}': choose from {', '.join(ATTACKS)}.")
    return ATTACKS[name]


def model_name(dataset: str, attack: str) -> str:
    """What the model trained with an attack is called."""
    return f"{PREFIX}{short_name(dataset)}-{attack}"


def is_compared(model: str) -> bool:
    """Whether a model of that name was trained to set attacks side by side."""
    return model.startswith(PREFIX) and model.endswith(tuple(f"-{name}" for name in ATTACKS))


@dataclass(frozen=True)
class Way:
    """How every network of a comparison is trained, and what is tried on it.

    Attributes:
        preset: name of the settings.
        epochs: instead of the preset's, unless None.
        repairs: beside the paper's pruning.
    """

    preset: str
    epochs: int | None = None
    repairs: Sequence[Repair] = ()

    def settings(self) -> TrainingConfig:
        """The preset's, with the epochs asked for."""
        settings = find_preset(self.preset).settings
        return settings if self.epochs is None else replace(settings, epochs=self.epochs)

    def words(self) -> list[str]:
        """What `train` is told to train so."""
        epochs = [] if self.epochs is None else ["--epochs", str(self.epochs)]
        return ["--preset", self.preset, *epochs]


def run_all(
    dataset: Dataset, names: Sequence[str], way: Way, stop_requested: Callable[[], bool]
) -> None:
    """Train what is missing, prune it as in the paper, and try repairs on it.

    Everything is kept beside the models, so that an interrupted call goes on where it was.

    Raises:
        UserError: a model of a name needed was trained in another way.
    """
    for name in names:
        _known(dataset, name, way)  # what cannot be compared is said before the wait
    for number, name in enumerate(names):
        told = f"{find_attack(name).title} ({number + 1} of {len(names)})"
        with progress.titled(told):
            _run(dataset, name, way, stop_requested)


def _run(dataset: Dataset, name: str, way: Way, stop_requested: Callable[[], bool]) -> None:
    model = model_name(dataset.name, name)
    stored = _known(dataset, name, way)
    if stored is None:
        stored = _trained(dataset, name, way, stop_requested)
    if stored.card.training["stopped"]:
        raise Stopped("Stopped; the same command goes on from here.")
    layer = last_convolution(stored)
    if pruning_curves.stored_curve(stored, layer, DEFAULT_ORDER) is None:
        curves = prune(stored, dataset, layer, [DEFAULT_ORDER])
        command = f"python -m engine prune {model}"
        stored = stored.keep(pruning_curves.curve_tables(curves[DEFAULT_ORDER]), command)
    tried = [run_repairs.method_of(row) for row in run_repairs.tried(stored)]
    missing = [repair for repair in way.repairs if repair not in tried]
    if missing:
        words = [word for repair in missing for word in ("--method", str(repair))]
        command = shlex.join(["python", "-m", "engine", "compare-repairs", model, *words])
        run_repairs.compare(stored, dataset, missing, command)


def _known(dataset: Dataset, name: str, way: Way) -> StoredModel | None:
    """The model of an attack if it is there and was trained to its end."""
    model = model_name(dataset.name, name)
    stored = store.find(model) if model in store.names() else None
    if stored is None or stored.card.training["stopped"]:
        return None
    card, plan = stored.card, find_attack(name).plan(dataset.name, way.settings())
    trigger = card.parsed_trigger()
    if isinstance(trigger, LearnedTrigger):
        trigger = replace(trigger, state="")
    asked = {**asdict(plan.settings), **asdict(plan.mode), "rate": plan.rate}
    asked |= {"trigger": str(plan.trigger), "target": plan.target}
    had = {**card.training, **asdict(PoisoningConfig()), **card.mode, "rate": card.rate}
    had |= {"trigger": str(trigger), "target": card.target}
    for what, wanted in asked.items():
        if had[what] != wanted:
            raise UserError(
                f"The model '{model}' was trained with {what} {had[what]}, not {wanted}: ask for"
                " the same preset and epochs, or delete the model to train it anew."
            )
    return stored


def _trained(
    dataset: Dataset, name: str, way: Way, stop_requested: Callable[[], bool]
) -> StoredModel:
    model = model_name(dataset.name, name)
    plan = find_attack(name).plan(dataset.name, way.settings())
    words = ["train", dataset.name, "--name", model, *way.words(), *plan.words()]
    command = shlex.join(["python", "-m", "engine", *words])
    checkpoint = jobs.job_named(f"train-{model}").checkpoint
    return train(dataset, plan, model, command, checkpoint, stop_requested)


def _surrogate(dataset: str) -> str:
    """The clean network the attacker learns from: one that is there, else that of "none"."""
    usual = f"{dataset}-clean"
    return usual if usual in store.names() else model_name(dataset, "none")
