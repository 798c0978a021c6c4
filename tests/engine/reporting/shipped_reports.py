"""The shipped reports on the paper, composed again from stored results, without any network.

``python -m tests.engine.reporting.shipped_reports`` rewrites their text and figures.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from engine import store
from engine.core.paths import PROJECT
from engine.defenses.pruning.orders import ORDERS
from engine.reporting.reproduction import choose, report, report_text, tables
from engine.reporting.reproduction.findings import Findings
from engine.store import pruning_curves

SEEDS = {"gtsrb": (0, 1, 2), "cifar10": (0, 1, 2), "signs": (0,)}
LAYER = "conv2d_5"
TABLE_1 = re.compile(r"(?<=## Table 1: before pruning\n\n).*?(?=\n\n## )", re.DOTALL)


def folder(dataset: str) -> Path:
    """Where the report on a dataset is."""
    return PROJECT / "report" / dataset


def findings(dataset: str) -> list[Findings]:
    """What the report is about, from the curves stored with the models and its own tables."""
    return [_findings(dataset, seed) for seed in SEEDS[dataset]]


def _findings(dataset: str, seed: int) -> Findings:
    stored = store.find(choose(dataset, [seed])[0].model)
    activity = pd.read_csv(folder(dataset) / f"figure-5-and-6-activations-seed{seed}.csv")
    curves = {order: pruning_curves.stored_curve(stored, LAYER, order) for order in ORDERS}
    return Findings(f"seed {seed}", stored, activity["layer"].iloc[0], activity, curves)


def composed(dataset: str, found: list[Findings]) -> str:
    """The text as the code writes it today.

    Table 1 is taken from the report: the last digit of its means needs unrounded results.
    """
    written = (folder(dataset) / report_text.FILE).read_text(encoding="utf-8")
    command = re.search(r"^python -m engine reproduce .*$", written, re.MULTILINE)[0]
    text = report_text.compose(found, tables.at_thresholds(found), command)
    return TABLE_1.sub(lambda _: TABLE_1.search(written)[0], text)


def rewrite(dataset: str) -> None:
    """Write text and figures again; the tables stay."""
    found = findings(dataset)
    text = composed(dataset, found)
    (folder(dataset) / report_text.FILE).write_text(text, encoding="utf-8")
    for name, chart in report.charts(found, tables.at_thresholds(found)).items():
        chart.save(folder(dataset) / f"{name}.svg")


if __name__ == "__main__":
    for name in SEEDS:
        rewrite(name)
