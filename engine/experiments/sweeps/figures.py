"""The figures of a sweep: what they are called, and their spread over what is not distinguished."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import pandas as pd

from engine.core.errors import UserError
from engine.defenses.detectors import parse_detector
from engine.defenses.repairs import parse_repair
from engine.experiments import repair_tables
from engine.experiments.sweeps.results import FIGURE, MACHINE

NETWORK = "the network itself"  # as a subject, beside detectors and repairs
NOT_SETTINGS = ("cell", "subject", *FIGURE, *MACHINE)


class FigureStyle(NamedTuple):
    """How a figure is named.

    Attributes:
        label: in a few words.
        unit: empty for a plain number.
    """

    label: str
    unit: str


FIGURES = {
    "clean_accuracy": FigureStyle("Clean accuracy", "%"),
    "attack_success": FigureStyle("Attack success", "%"),
    "recovered_accuracy": FigureStyle("Recovered accuracy", "%"),
    "psnr": FigureStyle("PSNR of the trigger", "dB"),
    "ssim": FigureStyle("SSIM of the trigger", ""),
    "flagged_target": FigureStyle("Target flagged", "share of networks"),
    "target_score": FigureStyle("Score of the target", "points"),
    "flagged": FigureStyle("Any class flagged", "share of networks"),
    "flagged_others": FigureStyle("Other classes flagged", "classes"),
    "seconds": FigureStyle("Time", "s"),
}


def with_subject(table: pd.DataFrame) -> pd.DataFrame:
    """The table with "subject": the repair or detector that a figure is about, or `NETWORK`.

    Args:
        table: see `SweepResults.table`.
    """
    detector, repair = table["detector"].fillna(""), table["repair"].fillna("")
    subject = repair.where(repair != "", detector)
    return table.assign(subject=subject.map(_name_subject))


def _name_subject(text: str) -> str:
    """The title of a repair or detector, with settings that differ from its defaults."""
    if not text:
        return NETWORK
    with suppress(UserError):
        return repair_tables.describe(parse_repair(text))
    with suppress(UserError):
        return parse_detector(text).title
    return text  # one that no longer exists


def varying_settings(table: pd.DataFrame) -> list[str]:
    """The settings that have more than one value, and "subject" if there are several.

    What follows from dataset and attack does not count, such as parameters of one trigger alone.
    """
    of_attack = table.groupby(["dataset", "attack"], dropna=False)
    found = [name for name in ("dataset", "attack") if table[name].nunique() > 1]
    for name in table.columns:
        if name not in (*NOT_SETTINGS, "dataset", "attack") and of_attack[name].nunique().max() > 1:
            found.append(name)
    return [*found, "subject"] if table["subject"].nunique() > 1 else found


def spread(table: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """Mean, lowest and highest value for each combination of some settings.

    Args:
        table: rows of one figure, with value.
        groups: names of the settings; all values that agree in them form a group.

    Returns:
        The groups, mean, low, high, and networks: how many values there were.
    """
    found = table.dropna(subset=["value"]).groupby(list(groups), dropna=False)["value"]
    return found.agg(mean="mean", low="min", high="max", networks="count").reset_index()
