"""The figures of a sweep: what they are called, and their spread over what is not distinguished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from engine.core.errors import unknown
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.results import MACHINE
from engine.experiments.sweeps.subjects import FIGURE, NETWORK, SUBJECT, describe

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
    "channels_pruned": FigureStyle("Channels pruned", "% of the last convolution"),
    "psnr": FigureStyle("PSNR of the trigger", "dB"),
    "ssim": FigureStyle("SSIM of the trigger", ""),
    "flagged_target": FigureStyle("Target flagged", "share of networks"),
    "target_score": FigureStyle("Score of the target", "points"),
    "flagged": FigureStyle("Any class flagged", "share of networks"),
    "flagged_others": FigureStyle("Other classes flagged", "classes"),
    "seconds": FigureStyle("Time", "s"),
}


def with_subject(table: pd.DataFrame) -> pd.DataFrame:
    """The table with "subject": what each figure is about; see `subjects.describe`.

    Args:
        table: see `SweepResults.table`.
    """
    columns = table[list(SUBJECT)].fillna("")
    known = {
        tuple(row.values()): describe(row) for row in columns.drop_duplicates().to_dict("records")
    }
    return table.assign(subject=[known[row] for row in columns.itertuples(index=False, name=None)])


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


def shared_settings(cells: Sequence[Cell]) -> dict[str, Any]:
    """The settings that have the same value in all cells of a sweep, done or not."""
    first, *others = (cell.settings() for cell in cells)
    return {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in others)
    }


def settings_of(table: pd.DataFrame) -> list[str]:
    """The names of the columns that are settings."""
    return [str(name) for name in table.columns if name not in NOT_SETTINGS]


def of_first_subject(table: pd.DataFrame, figure: str) -> pd.DataFrame:
    """The rows of a figure: those of the networks themselves, else of what has it first.

    Args:
        table: see `with_subject`.
        figure: its name.

    Raises:
        UserError: nothing in the table has that figure.
    """
    rows = table[table["figure"] == figure]
    subjects = list(dict.fromkeys(rows["subject"]))
    if not subjects:
        raise unknown("figure", figure, dict.fromkeys(table["figure"].dropna()))
    return rows[rows["subject"] == (NETWORK if NETWORK in subjects else subjects[0])]


def spread(table: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """Mean, lowest and highest value for each combination of some settings.

    Args:
        table: rows of one figure, with value.
        groups: names of the settings; all values that agree in them form a group.

    Returns:
        The groups, mean, low, high, and networks: how many values there were.
    """
    known = table.dropna(subset=["value"])
    found = known.groupby(list(groups), dropna=False, sort=False)["value"]  # in the table's order
    return found.agg(mean="mean", low="min", high="max", networks="count").reset_index()
