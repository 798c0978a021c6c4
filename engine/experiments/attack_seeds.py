"""An attack suite over several seeds: each network before and after each defence, and the spread.

One network says little about an attack or a repair: another seed gives other figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from engine import store
from engine.datasets import Dataset
from engine.evaluation.metrics import CEILING, METRICS
from engine.experiments import attack_tables, repair_tables
from engine.experiments.attack_suite import SuiteSettings, members

ROWS_FILE, SUMMARY_FILE = "seeds.csv", "seeds-summary.csv"


class SeedTables(NamedTuple):
    """The two tables of a suite over seeds.

    Attributes:
        rows: see `list_networks`.
        summary: see `summarize`.
    """

    rows: pd.DataFrame
    summary: pd.DataFrame


def make_tables(dataset: Dataset, attacks: Sequence[str], settings: SuiteSettings) -> SeedTables:
    """The tables of these attacks, whose networks are trained already."""
    rows = list_networks(dataset, attacks, settings)
    return SeedTables(rows, summarize(rows))


def list_networks(
    dataset: Dataset, attacks: Sequence[str], settings: SuiteSettings
) -> pd.DataFrame:
    """What each network makes of clean and triggered images, before and after each defence.

    Returns:
        The rows of `attack_tables.defences_of` for each attack and seed, with the seed after the
        title. A defence that was not tried with all seeds of an attack is left out.
    """
    parts = []
    for member in members(attacks, settings):
        stored = store.find(member.model_name(dataset.name))
        part = attack_tables.defences_of(stored, member.attack)
        part.insert(2, "seed", member.seed)
        parts.append(part)
    rows = attack_tables.in_order(pd.concat(parts, ignore_index=True))
    of_defence = rows.groupby(["attack", "defence"])["seed"]
    wanted = rows.groupby("attack")["seed"].transform("nunique")
    return rows[of_defence.transform("nunique") == wanted].reset_index(drop=True)


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean, lowest and highest value over the seeds.

    Args:
        rows: see `list_networks`.

    Returns:
        One row for each attack and defence: attack, title, defence, kind, seeds (their number), and
        for each metric and for ceiling and what is recovered of it NAME, NAME_min and NAME_max in
        percent; NaN where that of a network is not known. A defence that failed on a network has no
        row.
    """
    found = []
    for _, group in rows.groupby(["attack", "defence"], sort=False):
        if (group["problem"] != "").any():
            continue
        about = group.iloc[0][["attack", "title", "defence", "kind"]].to_dict()
        spread = repair_tables.spread(group, (*METRICS, *CEILING))
        found.append({**about, "seeds": group["seed"].nunique(), **spread})
    return pd.DataFrame(found)


def write(tables: SeedTables, folder: Path) -> list[Path]:
    """Write both tables into a folder, and say where."""
    paths = [folder / ROWS_FILE, folder / SUMMARY_FILE]
    for path, table in zip(paths, tables, strict=True):
        store.write_table(path, table)
    return paths
