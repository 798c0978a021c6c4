"""How long a training will take and what to expect of it, from trainings that were measured.

The measured trainings are the backdoored models that come with the program, of the paper's network,
and those in report/presets.csv, which `python -m engine models ... --out` wrote. The time of other
networks follows from how much longer their steps take.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import pandas as pd

from engine import store
from engine.core import paths
from engine.core.errors import UserError
from engine.evaluation.metrics import METRICS
from engine.networks.architectures import Architecture, PaperNetwork
from engine.store import StoredModel
from engine.training.training_config import TrainingConfig

MEASURED_PRESETS = paths.PROJECT / "report" / "presets.csv"
Settings = tuple[int, int, float, str, bool]


@dataclass(frozen=True)
class MeasuredTraining:
    """A training of the paper's network that was timed.

    Attributes:
        dataset: name of its dataset.
        settings: epochs, batch, learning rate, schedule, and whether images are augmented.
        minutes: of all epochs, validation included.
        scores: the three metrics on test images, percent.
        precision: of the training; it decides the minutes, but hardly the scores.
    """

    dataset: str
    settings: Settings
    minutes: float
    scores: Mapping[str, float]
    precision: str = "float32"


@dataclass(frozen=True)
class TrainingEstimate:
    """What to expect of a training.

    Attributes:
        minutes: None if there is nothing to tell from.
        is_measured: whether the minutes are those of such a training, not computed from the
            images per second of others.
        scores: the three metrics of a backdoored network, percent; empty if none of that
            architecture was trained with these settings.
        scored_on: the dataset that the scores belong to.
    """

    minutes: float | None
    is_measured: bool
    scores: Mapping[str, float]
    scored_on: str


class TrainingEstimates:
    """Estimates from a list of measured trainings.

    Args:
        measured: those trainings.
        images: number of training images of each dataset.
    """

    def __init__(self, measured: list[MeasuredTraining], images: Mapping[str, int]) -> None:
        self._measured, self._images = measured, images

    def of(
        self, dataset: str, training: TrainingConfig, architecture: Architecture | None = None
    ) -> TrainingEstimate:
        """What to expect of a training with these settings, whatever its seed.

        Args:
            dataset: name of the dataset.
            training: the settings.
            architecture: the network; the paper's if left out.
        """
        if architecture is None or architecture == PaperNetwork():
            return self._of_paper_network(dataset, training)
        usual = replace(training, precision="float32")  # bfloat16 speeds up the paper's alone
        minutes, time = self._of_paper_network(dataset, usual).minutes, architecture.relative_time()
        scaled = None if minutes is None or time is None else minutes * time
        return TrainingEstimate(scaled, False, {}, "")

    def _of_paper_network(self, dataset: str, training: TrainingConfig) -> TrainingEstimate:
        wanted = _settings(training)
        same = [run for run in self._measured if run.settings == wanted]
        here = [run for run in same if run.dataset == dataset]
        timed = [run.minutes for run in here if run.precision == training.precision]
        best = next(iter(here or same), None)
        return TrainingEstimate(
            median(timed) if timed else self._compute(dataset, training),
            bool(timed),
            best.scores if best else {},
            best.dataset if best else "",
        )

    def _compute(self, dataset: str, training: TrainingConfig) -> float | None:
        """Minutes by the median pace in that precision, on this dataset if measured there."""
        paces = [
            (run.dataset, run.settings[0] * self._images[run.dataset] / run.minutes)
            for run in self._measured
            if run.dataset in self._images and run.minutes > 0
            if run.precision == training.precision
        ]
        here = [pace for name, pace in paces if name == dataset]
        if dataset not in self._images or not paces:
            return None
        pace = median(here or [pace for _, pace in paces])
        return training.epochs * self._images[dataset] / pace


def read_estimates() -> TrainingEstimates:
    """Estimates from the trainings that come with the program."""
    found, images = [], {}
    for folder in sorted(card.parent for card in paths.SHIPPED_MODELS.glob("[!.]*/card.json")):
        with suppress(UserError):
            stored = store.open_folder(folder)
            card = stored.card
            if card.poisoned and card.rate and not card.repair:
                images[card.dataset] = round(card.poisoned / card.rate)
                found += _measured(stored)
    known = {(run.dataset, run.settings, run.precision) for run in found}
    table = _read_table(MEASURED_PRESETS)
    return TrainingEstimates(
        found + [run for run in table if (run.dataset, run.settings, run.precision) not in known],
        images,
    )


def _measured(stored: StoredModel) -> list[MeasuredTraining]:
    """The training of a stored model; none of the attack suite, where several ran side by side."""
    card, history = stored.card, stored.table("history")
    training = card.training
    is_papers = training.get("architecture", PaperNetwork.name) == PaperNetwork.name
    if card.suite or history is None or not is_papers:
        return []
    settings = (
        *(int(training["epochs"]), int(training["batch"])),
        *(
            float(training["learning_rate"]),
            str(training["schedule"]),
            bool(training.get("augment", False)),  # older cards do not say
        ),
    )
    scores = {name: card.scores["test"][name] for name in METRICS}
    minutes = float(history["seconds"].sum()) / 60
    precision = str(training.get("precision", "float32"))
    return [MeasuredTraining(card.dataset, settings, minutes, scores, precision)]


def _read_table(path: Path) -> list[MeasuredTraining]:
    """The trainings in a table of models; none if there is no such file."""
    if not path.exists():
        return []
    return [
        MeasuredTraining(
            str(row["dataset"]),
            (
                *(row["epochs"], row["batch"], row["learning_rate"], row["schedule"]),
                row.get("augment", False) is True,  # older tables do not say
            ),
            row["minutes"],
            {name: row[name] for name in METRICS},
            _text(row.get("precision"), "float32"),
        )
        for row in pd.read_csv(path).to_dict("records")
        if row["poisoned"]
    ]


def _text(value: object, usual: str) -> str:
    """A cell of a table that older tables leave empty."""
    return value if isinstance(value, str) and value else usual


def _settings(training: TrainingConfig) -> Settings:
    return (
        *(training.epochs, training.batch, training.learning_rate),
        *(training.schedule, training.augment),
    )
