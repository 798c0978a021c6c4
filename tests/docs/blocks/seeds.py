"""Blocks of docs/results/paper.md about sweeps over seeds."""

from __future__ import annotations

import pandas as pd

from engine.core.paths import SHIPPED_SWEEPS
from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.defenses.repairs import RECOMMENDED
from engine.evaluation.metrics import METRICS
from engine.experiments.sweeps.results import PublishedResults
from engine.experiments.sweeps.subjects import pruned_until
from tests.docs.blocks.paper import STOPPED
from tests.docs.markdown import bullet_list, claim, listed, table

DATASETS = {"gtsrb-seeds": "GTSRB", "cifar10-seeds": "CIFAR-10", "signs-seeds": "signs"}


def results(name: str) -> pd.DataFrame:
    """The table of a published sweep."""
    published = PublishedResults(SHIPPED_SWEEPS / f"{name}.csv")
    return published.table(published.cells()).fillna({"pruning": "", "detector": "", "repair": ""})


def values(found: pd.DataFrame, figure: str, **subject: str) -> pd.Series:
    """A figure of each network, or of what `subject` names."""
    wanted = {"pruning": "", "repair": ""} | subject
    if figure != "flagged_target":
        wanted["detector"] = ""
    rows = found[found["figure"] == figure]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows["value"]


def seeds_table() -> str:
    """Each dataset over its seeds: before, pruned to each threshold, and repaired."""
    rows = []
    for name, title in DATASETS.items():
        found = results(name)
        subjects = {"before pruning": {}}
        for drop in PAPER_THRESHOLDS:
            subjects[f"pruned: {drop:g} points"] = {"pruning": pruned_until(DEFAULT_ORDER, drop)}
        subjects["trigger unlearning"] = {"repair": RECOMMENDED}
        for what, subject in subjects.items():
            cells = [_spread(values(found, metric, **subject)) for metric in METRICS]
            rows.append([f"{title}, {found['seed'].nunique()} seeds: {what}", *cells])
    return table(["", "clean accuracy", "attack success", "recovered accuracy"], rows)


def _spread(found: pd.Series) -> str:
    return f"{found.mean():.2f} ({found.min():.2f} to {found.max():.2f}) %"


def _attack_works_with_every_seed() -> str:
    lowest = min(values(results(name), "attack_success").min() for name in DATASETS)
    return claim(
        "**The attack works with every seed:** attack success is at least"
        f" {lowest:.1f} % on all three datasets.",
        lowest > 95,
    )


def _repair_holds() -> str:
    worst = {
        title: values(results(name), "attack_success", repair=RECOMMENDED).max()
        for name, title in DATASETS.items()
    }
    left = listed([f"{value:.1f} % on {title}" for title, value in worst.items()])
    flagged = [values(results(name), "flagged_target") for name in DATASETS]
    found, total = sum(int(each.sum()) for each in flagged), sum(map(len, flagged))
    return claim(
        f"**Trigger unlearning leaves at most** {left}. The detector names the attacker's class"
        f" in {found} of the {total} networks.",
        total == 11,
    )


def _pruning_depends_on_the_seed() -> str:
    best = {}
    for name, title in DATASETS.items():
        found = results(name)
        pruned = found[found["pruning"] != ""].pivot(
            index=["cell", "pruning"], columns="figure", values="value"
        )
        stopped = pruned[pruned["attack_success"] <= STOPPED]
        best[title] = stopped["recovered_accuracy"].max()
    shares = listed([f"{value:.0f} % on {title}" for title, value in best.items()])
    return claim(
        "**How much pruning recovers depends on the seed, and it is never a repair.** At those"
        f" thresholds where attack success is {STOPPED:.0f} % or less, the best network classifies"
        f" {shares} of the triggered images correctly.",
        max(best.values()) < 50,
    )


BLOCKS = {
    "paper-seeds": seeds_table,
    "paper-seeds-findings": bullet_list(
        _attack_works_with_every_seed, _repair_holds, _pruning_depends_on_the_seed
    ),
}
