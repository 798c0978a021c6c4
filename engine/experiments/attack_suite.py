"""The attack suite: a network trained with each attack, pruned as in the paper, and repaired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine import store
from engine.attacks.recipes import find_attack
from engine.attacks.triggers import parse_trigger
from engine.core import command_line, jobs, progress
from engine.core.errors import UserError
from engine.core.progress import Stopped
from engine.datasets import Dataset, default_target, short_name
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.defenses.repairs import Repair
from engine.experiments import recovery_ceiling, repair_tables, run_repairs
from engine.experiments.analyze import last_convolution, prune
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.new_model import NewModel
from engine.experiments.same_training import differing_settings
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.train_networks import train_missing
from engine.experiments.train import train
from engine.experiments.workers.schedulers import Scheduler
from engine.store import StoredModel, cards, pruning_curves
from engine.training.presets import find_preset
from engine.training.training_config import TrainingConfig


@dataclass(frozen=True)
class SuiteSettings:
    """What all networks of a suite have in common.

    Attributes:
        preset: name of the training preset.
        epochs: replaces the preset's number of epochs, unless None.
        repairs: tried on every network, besides the paper's pruning.
        seeds: one network is trained with each; None: with seed 0 alone.
    """

    preset: str
    epochs: int | None = None
    repairs: Sequence[Repair] = ()
    seeds: Sequence[int] | None = None

    def training(self, seed: int = 0) -> TrainingConfig:
        """The preset's settings, with the epochs asked for and a seed."""
        config = replace(find_preset(self.preset).training, seed=seed)
        return config if self.epochs is None else replace(config, epochs=self.epochs)

    def command_options(self, seed: int) -> list[str]:
        """The options of the `train` command that give these training settings."""
        epochs = [] if self.epochs is None else ["--epochs", str(self.epochs)]
        return ["--preset", self.preset, *epochs, *(["--seed", str(seed)] if seed else [])]


@dataclass(frozen=True)
class Member:
    """One network of a suite.

    Attributes:
        attack: name of the attack it is trained with.
        seed: of its training.
    """

    attack: str
    seed: int = 0

    @property
    def title(self) -> str:
        """The attack's title, and the seed unless it is 0."""
        title = find_attack(self.attack).title
        return f"{title}, seed {self.seed}" if self.seed else title

    def model_name(self, dataset: str) -> str:
        """The name of its model; seed 0 is left out."""
        name = f"attack-{short_name(dataset)}-{self.attack}"
        return f"{name}-seed{self.seed}" if self.seed else name


def model_name(dataset: str, attack: str) -> str:
    """The name of the model trained with an attack, with seed 0."""
    return Member(attack).model_name(dataset)


def members(attacks: Sequence[str], settings: SuiteSettings) -> list[Member]:
    """The networks of a suite: all attacks with the first seed, then with the second."""
    seeds = (0,) if settings.seeds is None else settings.seeds
    return [Member(attack, seed) for seed in seeds for attack in attacks]


def is_suite_model(name: str) -> bool:
    """Whether the model called `name` was trained for an attack suite."""
    file = store.card_file(name)
    try:
        return file is not None and bool(_suite_of(file, file.stat().st_mtime_ns))
    except (OSError, UserError):
        return False  # deleted meanwhile, or its card cannot be read


@lru_cache(maxsize=1024)  # a page asks this of every model
def _suite_of(card_file: Path, modified: int) -> str:  # noqa: ARG001
    return cards.read(card_file).suite


def plan_attack(attack: str, dataset: str, training: TrainingConfig) -> AttackPlan:
    """How a network is trained with an attack.

    Args:
        attack: its name.
        dataset: the dataset's name.
        training: how the network is fitted.
    """
    recipe = find_attack(attack)
    return AttackPlan(
        parse_trigger(recipe.trigger),
        default_target(dataset) if recipe.target is None else recipe.target,
        recipe.rate,
        training,
        recipe.poisoning,
        _surrogate(dataset),
    )


def _surrogate(dataset: str) -> str:
    """The clean network that attacks learn from: DATASET-clean, else the suite's own."""
    shared = f"{dataset}-clean"
    return shared if shared in store.names() else model_name(dataset, "none")


def cell_of(member: Member, dataset: str, settings: SuiteSettings) -> Cell:
    """The training of a member, as other machines can do it."""
    plan = plan_attack(member.attack, dataset, settings.training(member.seed))
    return Cell(
        dataset,
        str(plan.architecture),
        member.attack,
        str(plan.trigger),
        tuple(asdict(plan.poisoning).items()),
        plan.rate,
        plan.target,
        settings.preset,
        settings.epochs,
        plan.training.precision,
        member.seed,
    )


def train_elsewhere(
    dataset: str, attacks: Sequence[str], settings: SuiteSettings, scheduler: Scheduler
) -> None:
    """Train the missing networks of a suite on a sweep's workers; see `train_missing`.

    Those that learn from a clean network are left out: the workers may have another one.
    """
    cells = {
        member.model_name(dataset): cell_of(member, dataset, settings)
        for member in members(attacks, settings)
    }
    alone = {name: cell for name, cell in cells.items() if not cell.plan().needs_surrogate()}
    train_missing(alone, scheduler, suite=True)


def run_suite(
    dataset: Dataset,
    attacks: Sequence[str],
    settings: SuiteSettings,
    stop_requested: Callable[[], bool],
) -> None:
    """Train the missing models, prune each as in the paper, and try the repairs on it.

    The ceiling of recovered accuracy is measured with the network trained without an attack.

    There is a network for each attack and each of `settings.seeds`. All results are stored with the
    models, so that an interrupted suite continues where it was.

    Raises:
        UserError: a model of the suite was trained with other settings.
        Stopped: a stop was requested.
    """
    networks = members(attacks, settings)
    for member in networks:
        _find_trained(dataset, member, settings)  # an error comes before the long work
    for number, member in enumerate(networks):
        with progress.titled(f"{member.title} ({number + 1} of {len(networks)})"):
            _run_member(dataset, member, settings, stop_requested)


def _run_member(
    dataset: Dataset,
    member: Member,
    settings: SuiteSettings,
    stop_requested: Callable[[], bool],
) -> None:
    stored = _find_trained(dataset, member, settings)
    if stored is None:
        stored = _train(dataset, member, settings, stop_requested)
    if stored.card.training["stopped"]:
        raise Stopped("Stopped: the same command continues from here.")
    stored = recovery_ceiling.measure_missing(_prune(stored, dataset), dataset)
    tried = [repair_tables.method_of(row) for row in repair_tables.tried_rows(stored)]
    missing = [repair for repair in settings.repairs if repair not in tried]
    if missing:
        options = [word for repair in missing for word in ("--method", str(repair))]
        command = command_line.command("compare-repairs", stored.name, *options)
        run_repairs.compare(stored, dataset, missing, command)


def _find_trained(dataset: Dataset, member: Member, settings: SuiteSettings) -> StoredModel | None:
    """The model of a member; None if it is missing or its training has not ended.

    Raises:
        UserError: it was trained with other settings.
    """
    model = member.model_name(dataset.name)
    stored = store.find(model) if model in store.names() else None
    if stored is None or stored.card.training["stopped"]:
        return None
    plan = plan_attack(member.attack, dataset.name, settings.training(member.seed))
    differing = differing_settings(stored.card, plan)
    if differing:
        name, (found, wanted) = next(iter(differing.items()))
        raise UserError(
            f"The model '{model}' was trained with {name} {found}, not {wanted}: use the same"
            " preset and epochs, or delete the model to train it again."
        )
    return stored


def _train(
    dataset: Dataset,
    member: Member,
    settings: SuiteSettings,
    stop_requested: Callable[[], bool],
) -> StoredModel:
    model = member.model_name(dataset.name)
    plan = plan_attack(member.attack, dataset.name, settings.training(member.seed))
    options = [*settings.command_options(member.seed), *plan.command_options()]
    command = command_line.command("train", dataset.name, "--name", model, *options)
    checkpoint = jobs.job_named(jobs.name_of("train", model)).checkpoint
    new = NewModel(model, command, suite=member.attack)
    return train(dataset, plan, new, checkpoint, stop_requested)


def _prune(stored: StoredModel, dataset: Dataset) -> StoredModel:
    """Trace the paper's pruning curve, unless it is stored already."""
    layer = last_convolution(stored)
    if pruning_curves.stored_curve(stored, layer, DEFAULT_ORDER) is not None:
        return stored
    curves = prune(stored, dataset, layer, [DEFAULT_ORDER])
    tables = pruning_curves.curve_tables(curves[DEFAULT_ORDER])
    return stored.save_tables(tables, command_line.command("prune", stored.name))
