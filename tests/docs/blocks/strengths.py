"""Blocks of docs/results/paper.md about the maps over poisoning rate and magnitude."""

from __future__ import annotations

import pandas as pd

from engine.reporting.verdict import WORKS
from tests.docs.blocks.seeds import results
from tests.docs.markdown import bullet_list, claim

NETWORKS = {
    "signs-strength": "the paper's network",
    "signs-strength-resnet": "the residual network",
}
ALMOST_ALL = 90.0  # percent attack success
SELDOM = 10.0
RARE = 0.01  # share of the training images
FIGURES = ("attack_success", "psnr", "flagged_target", "flagged_others", "target_score")


def cells(name: str) -> pd.DataFrame:
    """A row for each cell of a map: rate, magnitude, and `FIGURES`."""
    found = results(name)
    figures = found[found["figure"].isin(FIGURES)].pivot(
        index="cell", columns="figure", values="value"
    )
    settings = found.drop_duplicates("cell").set_index("cell")[["rate", "trigger_magnitude"]]
    return settings.join(figures).rename(columns={"trigger_magnitude": "magnitude"})


def _least_visible() -> str:
    listed = []
    for name, title in NETWORKS.items():
        found = cells(name)
        best = found[found["attack_success"] >= ALMOST_ALL].sort_values(["psnr", "rate"]).iloc[-1]
        listed.append(
            f"magnitude {best['magnitude']:g} ({best['psnr']:.1f} dB) in {100 * best['rate']:g} %"
            f" of the training images on {title}"
        )
    return claim(
        f"**The least visible attack that reaches {ALMOST_ALL:.0f} %** has {' and '.join(listed)}.",
        len(listed) == len(NETWORKS),
    )


def _one_percent() -> str:
    paper, residual = (
        found[found["rate"] <= RARE]["attack_success"].max() for found in map(cells, NETWORKS)
    )
    return claim(
        f"**The residual network is taken over by fewer poisoned images:** with {100 * RARE:g} % of"
        f" them attack success reaches {residual:.1f} % there, and at most {paper:.1f} % on the"
        " paper's network, whatever the magnitude.",
        paper < SELDOM < WORKS < residual,
    )


def _detection() -> str:
    taken = [_taken_over(name) for name in NETWORKS]
    paper, residual = (f"{int(each['flagged_target'].sum())} of {len(each)}" for each in taken)
    both = pd.concat(taken)
    missed = both[both["flagged_target"] == 0]
    return claim(
        f"**Of the networks that are taken over, the scan names the target in {paper} of the"
        f" paper's and {residual} residual ones** (attack success of {WORKS:.0f} % or more). In all"
        f" {len(missed)} that it misses, the target was not among the classes that it searched.",
        (missed["target_score"] == 0).all(),
        len(missed) > 0,
    )


def _weak_triggers() -> str:
    every = {name: cells(name) for name in NETWORKS}
    weak = {name: found[found["attack_success"] < WORKS] for name, found in every.items()}
    flagged = {name: int(found["flagged_target"].sum()) for name, found in weak.items()}
    return claim(
        f"**It flags the same class in {sum(flagged.values())} of the"
        f" {sum(map(len, weak.values()))} networks where the trigger does next to nothing,** all of"
        " them the paper's network. These are false alarms, or traces of the poisoning: it flags no"
        " other class in any network.",
        flagged["signs-strength-resnet"] == 0,
        sum(found["flagged_others"].sum() for found in every.values()) == 0,
    )


def _taken_over(name: str) -> pd.DataFrame:
    found = cells(name)
    return found[found["attack_success"] >= WORKS]


BLOCKS = {
    "paper-strengths-findings": bullet_list(
        _least_visible, _one_percent, _detection, _weak_triggers
    )
}
