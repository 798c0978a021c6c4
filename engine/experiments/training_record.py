"""What is stored of a training besides the network: the model's card and its tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from engine.attacks.poisoning import PoisonedSplit
from engine.datasets import Dataset
from engine.evaluation.metrics import METRICS, Scores
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.new_model import NewModel
from engine.store import ModelCard
from engine.training.training_result import TrainingResult


def training_card(
    dataset: Dataset,
    plan: AttackPlan,
    poisoned: PoisonedSplit,
    result: TrainingResult,
    test_scores: Scores,
    model: NewModel,
) -> ModelCard:
    """The card of a model that was just trained.

    Args:
        dataset: what it was trained on.
        plan: how, with the trigger that was used; see `Preparation.plan`.
        poisoned: the training set.
        result: the history, with the metrics on validation.
        test_scores: of the weights kept, on the test split.
        model: its name and command.
    """
    kept = result.history[result.epoch_kept - 1]
    return ModelCard(
        name=model.name,
        dataset=dataset.name,
        class_names=dataset.class_names,
        image_shape=dataset.image_shape,
        trigger=str(plan.trigger),
        target=plan.target,
        rate=plan.rate,
        poisoned=len(poisoned.indices),
        poisoning={
            **asdict(plan.poisoning),
            "cross_sampled": len(poisoned.cross_samples),
            "surrogate": plan.surrogate,
        },
        suite=model.suite,
        training=_training_field(plan, result),
        scores={
            "validation": {metric: kept[metric] for metric in METRICS},
            "test": test_scores.as_dict(),
        },
        commands=(model.command,),
    )


def _training_field(plan: AttackPlan, result: TrainingResult) -> dict[str, Any]:
    return {
        "architecture": str(plan.architecture),
        **asdict(plan.training),
        "epochs_run": len(result.history),
        "epoch_kept": result.epoch_kept,
        "stopped": result.stopped,
        "id": result.id,
    }


def training_tables(
    dataset: Dataset, poisoned: PoisonedSplit, result: TrainingResult
) -> dict[str, pd.DataFrame]:
    """The tables kept beside the model.

    Returns:
        "history": see `TrainingResult`; "poisoned": index and true label of each poisoned image.
    """
    indices = poisoned.indices
    record = pd.DataFrame({"index": indices, "label": dataset.train.labels[indices]})
    return {"history": pd.DataFrame(result.history), "poisoned": record}
