"""The public API: each step in one call, with names in place of objects; see `engine`.

TensorFlow is imported at the first call that needs it. Models are given as `StoredModel` or by
name, triggers and repairs as objects or as text such as ``ftrojan:magnitude=30``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from engine import store
from engine.core import tensorflow_runtime
from engine.datasets import Dataset
from engine.defenses.detectors import Detection, Detector, TriggerInversion, parse_detector
from engine.defenses.pruning.curve import Curve
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.defenses.repairs import RECOMMENDED, Repair, parse_repair
from engine.evaluation.metrics import CleanScores
from engine.experiments import analyze, examine, run_repairs
from engine.experiments import import_model as importing
from engine.experiments import train as training
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.new_model import NewModel
from engine.store import StoredModel

Model = StoredModel | str


def train(dataset: Dataset, plan: AttackPlan, name: str, replace: bool = False) -> StoredModel:
    """Poison the training set, train a network on it, score and store it.

    Args:
        dataset: see `load_dataset`.
        plan: the attack and the training; `AttackPlan(trigger, target, rate=0)` trains a clean
            network.
        name: of the new model.
        replace: whether a model of that name may be replaced.

    Raises:
        UserError: the plan does not fit the dataset, or the name is taken.
    """
    tensorflow_runtime.import_tensorflow()
    return training.train(dataset, plan, NewModel(name, replace=replace))


def import_model(
    file: str | os.PathLike[str], dataset: Dataset, name: str, **choices: str
) -> StoredModel:
    """Import a network from elsewhere; only a limited child process opens its file.

    What it expects is found out on clean validation images. Whether it hides a backdoor, and which,
    is not known then.

    Args:
        file: .keras, .h5, .onnx, or a zip of a SavedModel that Keras wrote.
        dataset: what it was trained for, at the size of its images.
        name: of the new model.
        choices: fields of `engine.experiments.import_model.Choices` that you know.

    Raises:
        UserError: the file is refused, does not fit the dataset, or the name is taken; or it is
            not clear what the network expects.
    """
    tensorflow_runtime.import_tensorflow()
    opened = examine.open_for(Path(file), lambda _: dataset)
    return importing.import_model(opened, importing.Choices(**choices), NewModel(name))


def evaluate(model: Model, dataset: Dataset, split: str = "test") -> CleanScores:
    """Clean accuracy, attack success and recovered accuracy on a split, as far as is known."""
    return analyze.evaluate(_opened(model), dataset, split)


def activations(model: Model, dataset: Dataset) -> pd.DataFrame:
    """Every channel's activation on clean and triggered validation images (paper, Figures 5, 6)."""
    return analyze.measure_activations(_opened(model), dataset)


def prune(model: Model, dataset: Dataset, order: str = DEFAULT_ORDER) -> Curve:
    """The pruning curve of the last convolution (paper, Figure 7).

    Args:
        model: the model.
        dataset: validation chooses, test only reports.
        order: name of a pruning order; the default is the paper's.
    """
    stored = _opened(model)
    layer = analyze.last_convolution(stored)
    return analyze.prune(stored, dataset, layer, [order])[order]


def detect(
    model: Model, dataset: Dataset, detector: Detector | str = TriggerInversion.name
) -> Detection:
    """Search for a backdoor, on clean validation images alone."""
    chosen = parse_detector(detector) if isinstance(detector, str) else detector
    return analyze.detect(_opened(model), dataset, chosen)


def repair(
    model: Model,
    dataset: Dataset,
    name: str,
    method: Repair | str = RECOMMENDED,
    confirm_accuracy: bool = False,
) -> StoredModel:
    """Repair a model with clean validation images alone, and store the result.

    Args:
        model: not changed.
        dataset: only its validation images are used; test only reports.
        name: of the new model.
        method: a repair.
        confirm_accuracy: repair a network, too, whose accuracy is little better than guessing.

    Raises:
        UserError: the name is taken, the network seems to guess, or the repair cannot be applied
            to it.
    """
    chosen = parse_repair(method) if isinstance(method, str) else method
    new = NewModel(name)
    return run_repairs.repair(_opened(model), dataset, chosen, new, confirm_accuracy)


def _opened(model: Model) -> StoredModel:
    tensorflow_runtime.import_tensorflow()
    return store.find(model) if isinstance(model, str) else model
