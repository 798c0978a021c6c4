"""Attacks side by side: how visible each is, how well it works, what each defence leaves of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from engine import store
from engine.attacks.poisoning import PoisoningConfig
from engine.core import paths
from engine.core.errors import UserError
from engine.datasets import Dataset, short_name
from engine.evaluation import metrics
from engine.experiments import attack_suite, run_repairs
from engine.store import StoredModel, tables

Tables = tuple[pd.DataFrame, pd.DataFrame]  # of `summary` and of `defences`
SUMMARY, DEFENCES = "attacks.csv", "defences.csv"
LONGER = "longer.csv"  # by `models --out`, of models named WORD-ATTACK
LOOKED_AT = 1000  # test images that fidelity is measured on
WAY = ("epochs", "learning_rate", "schedule")  # alike for all networks of a comparison


def summary(dataset: Dataset, names: Sequence[str]) -> pd.DataFrame:
    """How visible each attack is and how well it works.

    Returns:
        A row each: attack, title, trigger, how it poisons, how its network was trained, PSNR (dB)
        and SSIM over `LOOKED_AT` test images, and the three figures on test images in percent.
    """
    images = dataset.test.images[:: max(1, len(dataset.test) // LOOKED_AT)][:LOOKED_AT]
    rows = []
    for name in names:
        stored = _there(dataset, name)
        card, attack = stored.card, attack_suite.find_attack(name)
        row: dict[str, Any] = {"attack": name, "title": attack.title, "trigger": card.trigger}
        row |= {"rate": card.rate, **asdict(PoisoningConfig()), **card.mode}
        row |= {what: card.training[what] for what in WAY}
        row |= {"psnr": math.nan, "ssim": math.nan}
        if attack.rate:
            found = metrics.fidelity(images, card.parsed_trigger()(images))
            row |= {"psnr": found.psnr, "ssim": found.ssim}
        rows.append(row | {key: card.scores["test"][key] for key in metrics.METRICS})
    return pd.DataFrame(rows)


def defences(dataset: Dataset, names: Sequence[str]) -> pd.DataFrame:
    """What the paper's pruning and the repairs tried do to each attack.

    Returns:
        The rows of `run_repairs.table_of` for each, with attack and its title in front.
    """
    parts = []
    for name in names:
        table = run_repairs.table_of(_there(dataset, name))
        table = table.rename(columns={"title": "defence"}).drop(columns=["needs", "method"])
        table.insert(0, "attack", name)
        table.insert(1, "title", attack_suite.find_attack(name).title)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def check_alike(earlier: Tables | None, names: Sequence[str], way: attack_suite.Way) -> None:
    """A `UserError` if attacks that are not made anew were trained in another way."""
    settings = way.settings()
    if earlier is None:
        return
    others = earlier[0][~earlier[0]["attack"].isin(names)].reindex(columns=WAY)
    for what in WAY:
        wanted = getattr(settings, what)
        for had in others[what]:
            if had != wanted:
                raise UserError(
                    f"The comparison there is of networks trained with {what} {had}, not {wanted}:"
                    " ask for the same preset and epochs, or name another folder with --out."
                )


def compared(dataset: Dataset, names: Sequence[str], earlier: Tables | None) -> Tables:
    """`summary` and `defences` of the attacks named, and of others as they were `earlier`.

    Returns:
        Both, the summary with "clean_cost": points of clean accuracy lost against "none".
    """
    fresh = summary(dataset, names), defences(dataset, names)
    old = earlier or (fresh[0][:0], fresh[1][:0])
    poisoned, defended = (_renewed(*pair) for pair in zip(fresh, old, strict=True))
    return _with_cost(poisoned), defended


def _with_cost(poisoned: pd.DataFrame) -> pd.DataFrame:
    accuracy = poisoned["clean_accuracy"].round(4)  # what a table read again has of it
    clean = accuracy[poisoned["attack"] == "none"]
    cost = clean.iloc[0] - accuracy if len(clean) else math.nan
    return poisoned.assign(clean_cost=round(cost, 4))


def _renewed(fresh: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """The rows of `fresh`, and those of `old` about other attacks, in the order of `ATTACKS`."""
    others = old[~old["attack"].isin(fresh["attack"])]
    table = pd.concat([fresh, others]) if len(others) else fresh
    order = {name: place for place, name in enumerate(attack_suite.ATTACKS)}
    return table.sort_values(
        "attack", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def folder(dataset: str) -> Path:
    """Where the two tables of a dataset are written."""
    return paths.home() / "report" / f"attacks-{short_name(dataset)}"


def is_there(dataset: str) -> bool:
    """Whether `written` has something to read."""
    return _are_in(_place(dataset))


def written(dataset: str) -> Tables | None:
    """The two tables of a dataset as last written, or those that came along, if any."""
    return read(_place(dataset))


def trained_longer(dataset: str, poisoned: pd.DataFrame) -> pd.DataFrame | None:
    """The attacks whose networks were trained for longer, too; None if none were.

    Args:
        dataset: its name.
        poisoned: the first of its tables.

    Returns:
        The rows of `poisoned` about them, with the epochs, the figures and the cost of the
        longer training.

    Raises:
        UserError: the file that tells of them cannot be read.
    """
    path = _place(dataset) / LONGER
    if not path.exists():
        return None
    new = ["epochs", *metrics.METRICS]
    table = tables.read(path, tables.MODELS)
    table["attack"] = [str(name).partition("-")[2] for name in table["model"]]
    old = poisoned.drop(columns=[*new, "clean_cost"])
    return _with_cost(old.merge(table[["attack", *new]], on="attack"))


def read(place: Path) -> Tables | None:
    """The two tables in a folder, if they are there.

    Raises:
        UserError: they are no tables.
    """
    if not _are_in(place):
        return None
    return (
        tables.read(place / SUMMARY, tables.ATTACKS),
        tables.read(place / DEFENCES, tables.DEFENCES),
    )


def _are_in(place: Path) -> bool:
    return all((place / name).exists() for name in (SUMMARY, DEFENCES))


def _place(dataset: str) -> Path:
    own = folder(dataset)
    return own if (own / SUMMARY).exists() else paths.PROJECT / "report" / own.name


def _there(dataset: Dataset, name: str) -> StoredModel:
    return store.find(attack_suite.model_name(dataset.name, name))
