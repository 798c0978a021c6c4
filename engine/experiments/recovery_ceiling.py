"""The ceiling of recovered accuracy: what a network without the backdoor makes of the same images.

A trigger hides part of what an image shows, and no repair brings that back: recovered accuracy is
read beside the share of the same triggered test images that a clean network classifies correctly.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pandas as pd

from engine import store
from engine.core import command_line
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.evaluation import metrics
from engine.experiments.eval_pairs import eval_pair, load_matching_network
from engine.store import ModelCard, StoredModel
from engine.training.training_config import TrainingConfig

TABLE = "ceiling"  # name of the table kept beside a model


def measure_missing(stored: StoredModel, dataset: Dataset) -> StoredModel:
    """Measure and store the ceiling, unless it is known or there is no clean network to measure.

    A ceiling measured with a clean network that was trained again since is measured anew.

    Args:
        stored: the model.
        dataset: its own.

    Returns:
        The model, with the command on its card if something was measured.
    """
    reference = find_clean_model(stored.card)
    if reference is None or not _is_missing(stored, reference):
        return stored
    return measure(stored, dataset)


def measure(stored: StoredModel, dataset: Dataset) -> StoredModel:
    """Measure the ceiling on test images and store it beside the model.

    Args:
        stored: the model; its trigger is known.
        dataset: its own.

    Returns:
        The model with its changed card. Its table `TABLE` has one row: the clean model, that
        model's checksum, triggered images classified correctly, their number, and their share in
        percent.

    Raises:
        UserError: no trigger is known, or there is no clean model for this dataset.
    """
    backdoor = stored.card.known_backdoor()
    reference = find_clean_model(stored.card)
    if reference is None:
        train = command_line.command("train", dataset.name, "--rate", "0", "--name", "NAME")
        raise UserError(
            f"There is no model trained on the clean images of {dataset.name} to measure the"
            f" ceiling with: train one with `{train}`."
        )
    network = load_matching_network(reference, dataset)
    triggered = eval_pair(dataset, "test", backdoor.trigger, backdoor.target).triggered
    correct = int(metrics.correctly_classified(network, triggered, "triggered").sum())
    row = {
        "clean_model": reference.name,
        "clean_sha256": reference.card.sha256,
        "correct": correct,
        "images": len(triggered),
        "ceiling": metrics.Proportion(correct, len(triggered)).percent,
    }
    command = command_line.command("ceiling", stored.name)
    return stored.save_tables({TABLE: pd.DataFrame([row])}, command)


def find(stored: StoredModel) -> float | None:
    """The ceiling of a model's recovered accuracy, percent; None if it is not known.

    Of a clean model it is its own recovered accuracy. Of another it is what `measure` stored, for
    this model or for one of the same dataset, trigger and target, whose triggered images are the
    same; or what the scores of a clean model of that dataset, trigger and target say.
    """
    card = stored.card
    if not card.knows_trigger:
        return None
    if card.is_clean and not card.repair:
        return card.scores["test"]["recovered_accuracy"]
    if (stored_ceiling := _read(stored)) is not None:
        return float(stored_ceiling["ceiling"])
    for clean in _clean_models(card):
        if _images_of(clean.card) == _images_of(card):
            return clean.card.scores["test"]["recovered_accuracy"]
    for other in store.readable_models():
        same = _images_of(other.card) == _images_of(card)
        if same and (stored_ceiling := _read(other)) is not None:
            return float(stored_ceiling["ceiling"])
    return None


def find_clean_model(card: ModelCard) -> StoredModel | None:
    """The clean model whose training is most like the one on a card; None if there is none.

    For a network of an attack suite that is the suite's own, trained without an attack.
    """
    found = _clean_models(card)
    return found[0] if found else None


def columns(recovered: float, ceiling: float | None) -> dict[str, float]:
    """The columns `metrics.CEILING` of a row, both in percent; NaN where not known.

    Args:
        recovered: recovered accuracy, percent.
        ceiling: percent; None if it is not known.
    """
    known = math.nan if ceiling is None else ceiling
    return {
        "ceiling": known,
        "recovered_of_ceiling": metrics.recovered_of_ceiling(recovered, known),
    }


def add_columns(table: pd.DataFrame, ceiling: float | None) -> pd.DataFrame:
    """A table with the columns `metrics.CEILING`; see `columns`.

    Args:
        table: has recovered accuracy in percent, NaN where it was not measured.
        ceiling: of the model that the table is about, percent; None if it is not known.
    """
    rows = [columns(recovered, ceiling) for recovered in table["recovered_accuracy"]]
    return table.assign(**pd.DataFrame(rows, index=table.index))


def add_share(table: pd.DataFrame, ceiling: float | None) -> pd.DataFrame:
    """A table with what is recovered of the ceiling, if that is known; else as it is."""
    return table if ceiling is None else add_columns(table, ceiling).drop(columns="ceiling")


def _clean_models(card: ModelCard) -> list[StoredModel]:
    """The clean models that take a card's images, those trained most alike first."""
    fitting = [
        other
        for other in store.readable_models()
        if other.card.is_clean
        and not other.card.repair
        and (other.card.dataset, other.card.image_shape) == (card.dataset, card.image_shape)
        and len(other.card.class_names) == len(card.class_names)
    ]
    return sorted(fitting, key=lambda other: _unlikeness(other.card, card))


def _unlikeness(clean: ModelCard, card: ModelCard) -> tuple[bool, int]:
    """Whether only one of them is of an attack suite, and how many training settings differ."""
    settings = TrainingConfig.__dataclass_fields__
    differing = sum(clean.training.get(name) != card.training.get(name) for name in settings)
    return bool(clean.suite) != bool(card.suite), differing


def _is_missing(stored: StoredModel, reference: StoredModel) -> bool:
    if stored.card.is_clean or not stored.card.knows_trigger:
        return False
    row = _read(stored)
    if row is None:
        return find(stored) is None
    return bool(row["clean_sha256"] != reference.card.sha256)


def _read(stored: StoredModel) -> dict[Any, Any] | None:
    """The stored row; None if there is none, or it cannot be read: then it is not known."""
    with suppress(UserError):
        table = stored.table(TABLE)
        return None if table is None else table.to_dict("records")[0]
    return None


def _images_of(card: ModelCard) -> tuple[str, str, int | None]:
    """What is the same for models with the same triggered images."""
    return card.dataset, card.trigger, card.target
