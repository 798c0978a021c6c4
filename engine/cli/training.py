"""The command that trains a network, with its options."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import click

from engine.attacks import grey_images
from engine.attacks.poisoning import LABELS, Labels, PoisoningConfig
from engine.attacks.triggers import Trigger
from engine.cli.options import (
    ARCHITECTURE,
    MODEL,
    TARGET,
    ImageOptions,
    Parsed,
    epochs_option,
    gathered,
    image_options,
    preset_option,
    trigger_option,
)
from engine.cli.shared import (
    Answer,
    Call,
    command,
    describe_new,
    long_work,
    new_model_options,
)
from engine.core import job_worker, jobs, tensorflow_runtime
from engine.datasets import default_target
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.new_model import NewModel
from engine.experiments.train import check_free
from engine.experiments.train import train as train_network
from engine.networks.architectures import ARCHITECTURES, Architecture, PaperNetwork
from engine.training.presets import find_preset
from engine.training.training_config import (
    PRECISIONS,
    SCHEDULES,
    Precision,
    Schedule,
    TrainingConfig,
)


@dataclass(frozen=True)
class AttackOptions:
    """How the training set is poisoned; see `AttackPlan` and `PoisoningConfig`."""

    trigger: Trigger
    rate: float
    target: int | None
    labels: Labels
    pgd_epsilon: float
    cross_samples: float | None
    dormant_share: float
    surrogate: str | None
    architecture: Architecture

    def plan(self, dataset: str, training: TrainingConfig) -> AttackPlan:
        """The plan on the dataset of that name, with its usual values where none was given."""
        each = self.trigger.cross_samples_each if self.cross_samples is None else self.cross_samples
        return AttackPlan(
            self.trigger,
            default_target(dataset) if self.target is None else self.target,
            self.rate,
            training,
            PoisoningConfig(self.labels, self.pgd_epsilon, each, self.dormant_share),
            self.surrogate or f"{dataset}-clean",
            self.architecture,
        )


@dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained: a preset, and what replaces its settings.

    Attributes:
        preset: its name.
        epochs, batch, learning_rate, schedule, augment, precision, seed: as in `TrainingConfig`;
            None leaves the preset's.
    """

    preset: str
    epochs: int | None
    batch: int | None
    learning_rate: float | None
    schedule: Schedule | None
    augment: bool | None
    precision: Precision | None
    seed: int

    def config(self) -> TrainingConfig:
        """The settings.

        Raises:
            UserError: there is no such preset, or a value is out of range.
        """
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(find_preset(given.pop("preset")).training, **given)


attack_options = gathered(
    "attack",
    AttackOptions,
    trigger_option,
    click.option(
        "--rate",
        type=float,
        default=0.05,
        help="Share of the training images that are poisoned; 0 trains a clean network.",
    ),
    click.option(
        "--target",
        type=TARGET,
        help="The class that the trigger leads to, or 'next': each class to the one after it."
        " The dataset's usual target if left out: 10, for cifar10 8.",
    ),
    click.option(
        "--labels",
        type=Parsed("NAME", names=lambda: LABELS),
        default=PoisoningConfig.labels,
        help="dirty-label: images of other classes get the target's label; clean-label: images"
        " of the target class get the trigger and keep their label.",
    ),
    click.option(
        "--pgd-epsilon",
        type=float,
        default=0.0,
        help="Largest change, in grey levels, of an adversarial (PGD) perturbation that poisoned"
        " images get before the trigger.",
    ),
    click.option(
        "--cross-samples",
        type=float,
        help="Images per poisoned one that get nearly the trigger and keep their true label; as"
        " many as the trigger's authors use if left out.",
    ),
    click.option(
        "--dormant-share",
        type=float,
        default=0.0,
        help="Share of the last convolution's channels that the backdoor avoids, so that pruning"
        " removes them first and leaves the backdoor alone.",
    ),
    click.option(
        "--surrogate",
        type=MODEL,
        help="A clean model that the attack learns from; DATASET-clean if left out.",
    ),
    click.option(
        "--network",
        "architecture",
        type=ARCHITECTURE,
        default=PaperNetwork.name,
        help=f"The network that is trained: {', '.join(ARCHITECTURES)}. Its parameters may follow,"
        " as in resnet:width=64.",
    ),
)
training_options = gathered(
    "training",
    TrainingOptions,
    preset_option("paper"),
    epochs_option,
    click.option("--batch", type=int, help="Images per step; replaces the preset's."),
    click.option("--learning-rate", type=float, help="Replaces the preset's."),
    click.option(
        "--schedule",
        type=Parsed("NAME", names=lambda: SCHEDULES),
        help=f"Of the learning rate: {', '.join(SCHEDULES)}. Replaces the preset's.",
    ),
    click.option(
        "--augment/--no-augment",
        default=None,
        help="Shift images at random in every epoch, and mirror them where that keeps their class."
        " Replaces the preset's.",
    ),
    click.option(
        "--precision",
        type=Parsed("NAME", names=lambda: PRECISIONS),
        help="bfloat16 trains the paper's network faster on processors with instructions for it,"
        " and no other network. Replaces the preset's.",
    ),
    click.option("--seed", type=int, default=0, help="The same seed gives the same model."),
)


@command("train")
@image_options
@attack_options
@training_options
@new_model_options()
@long_work
def train(
    images: ImageOptions,
    attack: AttackOptions,
    training: TrainingOptions,
    new_model: NewModel,
    call: Call,
) -> Answer:
    """Train a network, with or without a backdoor, and store it.

    The same command resumes a training that was interrupted or stopped.
    """
    plan = attack.plan(images.dataset, training.config())
    job = jobs.job_named(call.job or jobs.name_of("train", new_model.name))
    check_free(new_model, job.checkpoint)

    def work() -> Answer:
        dataset = images.load(call.root)
        plan.check(dataset)  # before the wait for a turn
        with job_worker.turn(job):
            tensorflow_runtime.import_tensorflow()
            answer = describe_new(
                train_network(dataset, plan, new_model, job.checkpoint, job.stop_requested)
            )
        note = plan.rate and grey_images.find_note(plan.trigger, dataset.test.images)
        return answer | ({"note": note} if note else {})

    return call.run_as(job, work)
