"""The tables of an attack suite: each attack's visibility and strength, and each defence of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from engine import store
from engine.attacks import recipes
from engine.attacks.poisoning import PoisoningConfig
from engine.attacks.recipes import find_attack
from engine.core import paths
from engine.core.errors import UserError
from engine.datasets import Dataset, short_name
from engine.evaluation import metrics, visibility
from engine.experiments import recovery_ceiling, repair_tables
from engine.experiments.attack_suite import SuiteSettings, model_name
from engine.store import StoredModel, tables

SUMMARY_FILE, DEFENCES_FILE = "attacks.csv", "defences.csv"
LONGER_FILE = "longer.csv"  # written by `models --out`, of models named WORD-ATTACK
COMMON = ("epochs", "learning_rate", "schedule")  # the same for all networks of a suite


class AttackTables(NamedTuple):
    """The two tables of a suite.

    Attributes:
        summary: see `summarize_attacks`; with "clean_cost", the points of clean accuracy lost
            against the network trained without an attack.
        defences: see `list_defences`.
    """

    summary: pd.DataFrame
    defences: pd.DataFrame


def summarize_attacks(dataset: Dataset, attacks: Sequence[str]) -> pd.DataFrame:
    """How visible each attack is and how well it works.

    Returns:
        One row each: attack, title, trigger, poisoning and training settings, PSNR (dB) and SSIM
        over a sample of test images, the three metrics on test images in percent, and the
        ceiling of recovered accuracy with what is reached of it (both percent).
    """
    images = visibility.sample(dataset.test.images)
    rows = []
    for name in attacks:
        stored, attack = _stored(dataset, name), find_attack(name)
        card = stored.card
        row: dict[str, Any] = {"attack": name, "title": attack.title, "trigger": card.trigger}
        row |= {"rate": card.rate, **asdict(PoisoningConfig()), **card.poisoning}
        row |= {setting: card.training[setting] for setting in COMMON}
        row |= {"psnr": math.nan, "ssim": math.nan}
        if attack.rate:
            found = visibility.measure(images, card.known_backdoor().trigger(images))
            row |= {"psnr": found.psnr, "ssim": found.ssim}
        row |= {key: card.scores["test"][key] for key in metrics.METRICS}
        ceiling = recovery_ceiling.find(stored) if attack.rate else None
        rows.append(row | recovery_ceiling.columns(row["recovered_accuracy"], ceiling))
    return pd.DataFrame(rows)


def list_defences(dataset: Dataset, attacks: Sequence[str]) -> pd.DataFrame:
    """What the paper's pruning and the repairs tried do to each attack.

    Returns:
        The rows of `repair_tables.compare_stored` for each, with attack and its title in front.
    """
    parts = [defences_of(_stored(dataset, name), name) for name in attacks]
    return pd.concat(parts, ignore_index=True)


def defences_of(stored: StoredModel, attack: str) -> pd.DataFrame:
    """The rows of `list_defences` for one network.

    Args:
        stored: its model.
        attack: name of the attack that it was trained with.
    """
    table = repair_tables.compare_stored(stored)
    table = table.rename(columns={"title": "defence"}).drop(columns=["needs", "method"])
    table.insert(0, "attack", attack)
    table.insert(1, "title", find_attack(attack).title)
    return table


def check_same_training(
    earlier: AttackTables | None, attacks: Sequence[str], settings: SuiteSettings
) -> None:
    """Raise `UserError` if the rows that will be kept come from other training settings.

    Args:
        earlier: the tables so far.
        attacks: those whose rows will be replaced.
        settings: of the suite that is about to run.
    """
    if earlier is None:
        return
    training = settings.training()
    kept = earlier.summary[~earlier.summary["attack"].isin(attacks)].reindex(columns=COMMON)
    for setting in COMMON:
        wanted = getattr(training, setting)
        for found in kept[setting]:
            if found != wanted:
                raise UserError(
                    f"The existing comparison has networks trained with {setting} {found}, not"
                    f" {wanted}: use the same preset and epochs, or name another folder with --out."
                )


def update_tables(
    dataset: Dataset, attacks: Sequence[str], earlier: AttackTables | None
) -> AttackTables:
    """The tables with the rows of `attacks` made anew, and those of other attacks as they were."""
    summary, defences = summarize_attacks(dataset, attacks), list_defences(dataset, attacks)
    if earlier is not None:
        summary = _replace_rows(earlier.summary, summary)
        defences = _replace_rows(earlier.defences, defences)
    return AttackTables(_with_clean_cost(in_order(summary)), in_order(defences))


def _with_clean_cost(summary: pd.DataFrame) -> pd.DataFrame:
    accuracy = summary["clean_accuracy"].round(4)  # the digits of a stored table
    clean = accuracy[summary["attack"] == "none"]
    cost = clean.iloc[0] - accuracy if len(clean) else math.nan
    return summary.assign(clean_cost=round(cost, 4))


def _replace_rows(earlier: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """`fresh`, and the rows of `earlier` about other attacks."""
    others = earlier[~earlier["attack"].isin(fresh["attack"])]
    return pd.concat([fresh, others]) if len(others) else fresh


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of `recipes.ATTACKS`."""
    order = {name: place for place, name in enumerate(recipes.ATTACKS)}
    return table.sort_values(
        "attack", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def own_folder(dataset: str) -> Path:
    """Where the tables of a dataset are written."""
    return paths.home() / "report" / f"attacks-{short_name(dataset)}"


def has_tables(dataset: str) -> bool:
    """Whether `find_tables` finds any."""
    return _has_both(_folder(dataset))


def find_tables(dataset: str) -> AttackTables | None:
    """The tables of a dataset: the user's own, else the shipped ones; None if there are none."""
    return read_tables(_folder(dataset))


def read_longer_trainings(dataset: str, summary: pd.DataFrame) -> pd.DataFrame | None:
    """The attacks whose networks were trained again for more epochs.

    Args:
        dataset: its name.
        summary: the first of its tables.

    Returns:
        Their rows of `summary`, with epochs, metrics and clean cost of the longer training,
        whose ceilings were not measured; None if there was no longer training.

    Raises:
        UserError: the file with the longer trainings cannot be read.
    """
    path = _folder(dataset) / LONGER_FILE
    if not path.exists():
        return None
    columns = ["epochs", *metrics.METRICS]
    longer = tables.read(path, tables.MODELS)
    longer["attack"] = [str(name).partition("-")[2] for name in longer["model"]]
    rest = summary.drop(columns=[*columns, *metrics.CEILING, "clean_cost"])
    return _with_clean_cost(rest.merge(longer[["attack", *columns]], on="attack"))


def read_tables(folder: Path) -> AttackTables | None:
    """The tables in a folder; None unless both are there.

    Raises:
        UserError: a file is not such a table.
    """
    if not _has_both(folder):
        return None
    return AttackTables(
        tables.read(folder / SUMMARY_FILE, tables.ATTACKS),
        tables.read(folder / DEFENCES_FILE, tables.DEFENCES),
    )


def _has_both(folder: Path) -> bool:
    return all((folder / name).exists() for name in (SUMMARY_FILE, DEFENCES_FILE))


def _folder(dataset: str) -> Path:
    own = own_folder(dataset)
    return own if (own / SUMMARY_FILE).exists() else paths.PROJECT / "report" / own.name


def _stored(dataset: Dataset, attack: str) -> StoredModel:
    return store.find(model_name(dataset.name, attack))
