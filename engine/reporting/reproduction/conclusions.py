"""What the numbers show, in sentences that hold for any run: the numbers choose the words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pandas as pd

from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS, OracleOrder
from engine.reporting import verdict
from engine.reporting.metric_style import SCORES
from engine.reporting.reproduction import published
from engine.reporting.reproduction.findings import Findings

FALLING, GONE = 90.0, 1.0  # percent attack success: where it starts to fall; where it is gone
CLOSE = 1.0  # points of accuracy that count as agreement with the paper
ORACLES = [name for name, order in ORDERS.items() if isinstance(order, OracleOrder)]


def all_of(found: Sequence[Findings], rows: pd.DataFrame) -> list[str]:
    """Every conclusion on what of the paper is reproduced, one string each.

    Args:
        found: all networks.
        rows: see `tables.at_thresholds`.
    """
    return [
        before_pruning(found),
        channels_pruned(found, rows),
        collapse(found),
        highest_recovery(found),
        recovery_without_attack(found),
        oracles(rows),
    ]


def before_pruning(found: Sequence[Findings]) -> str:
    """Clean accuracy and attack success compared with Table 1."""
    paper = published.TABLE_1.get(_dataset(found), {})
    parts, gaps = [], []
    for metric in ("clean_accuracy", "attack_success"):
        values = [network.scores[metric] for network in found]
        part = f"{SCORES[metric].label.lower()} is {_percent(values)}"
        if metric in paper:
            gap = float(np.mean(values)) - paper[metric]
            gaps.append(abs(gap))
            side = "below" if gap < 0 else "above"
            part += f", {abs(gap):.2f} points {side} the paper's {paper[metric]:g} %"
        parts.append(part)
    sentence = f"Before pruning, {'; '.join(parts)}."
    if not gaps:
        return sentence
    if max(gaps) <= CLOSE:
        return f"{sentence} Both are within {CLOSE:g} point of the paper: Table 1 is reproduced."
    return f"{sentence} Not both are within {CLOSE:g} point: Table 1 is not reproduced."


def channels_pruned(found: Sequence[Findings], rows: pd.DataFrame) -> str:
    """How many channels can be pruned, compared with section 3.2."""
    paper_order = rows[rows["order"] == DEFAULT_ORDER]
    before = {one.label: one.curve.validation["clean_accuracy"].iloc[0] for one in found}
    # A network with a low accuracy never loses that many points; its curve just ends.
    drop = paper_order["network"].map(before) - paper_order["validation_accuracy"]
    reached = drop >= paper_order["threshold"] - 1e-9
    in_all = reached.groupby(paper_order["threshold"]).transform("all")
    shares = 100 * paper_order[in_all].groupby("threshold")["fraction"].mean()
    if shares.empty:
        return "On validation images, clean accuracy never drops by any of the thresholds."
    drops = _listed([f"{threshold:g}" for threshold in shares.index])
    text = (
        f"On validation images, clean accuracy has dropped by {drops} points once"
        f" {_listed([f'{share:.0f}' for share in shares])} % of the channels are pruned"
    )
    if _dataset(found) not in published.CHANNELS_PRUNED:
        return f"{text}."
    paper = [published.CHANNELS_PRUNED[_dataset(found)][threshold] for threshold in shares.index]
    return (
        f"{text}; the paper reports {_listed([f'{share:g}' for share in paper])} %, a difference of"
        f" at most {(shares - paper).abs().max():.1f} percentage points."
    )


def collapse(found: Sequence[Findings]) -> str:
    """Where attack success collapses on the paper's curve, and what remains there."""
    text = (
        "In the paper's pruning order, attack success"
        f" {_reached(found, FALLING)}, and {_reached(found, GONE)}."
    )
    if _dataset(found) in published.COLLAPSE:
        starts, ends = published.COLLAPSE[_dataset(found)]
        text += f" In the paper it starts to fall at {starts} % and is 0 from {ends} % on."
    gone = [
        row for row in (_first(one, "attack_success", GONE) for one in found) if row is not None
    ]
    if gone:
        clean = _percent([row["clean_accuracy"] for row in gone])
        recovered = _percent([row["recovered_accuracy"] for row in gone])
        text += (
            f" Where it first falls to {GONE:g} % or less, clean accuracy is {clean} and recovered"
            f" accuracy {recovered}."
        )
    return text


def remaining_attack(found: Sequence[Findings]) -> str:
    """Attack success where clean accuracy is down to 65 %, compared with the paper's claim."""
    if _dataset(found) not in published.REMAINING_ATTACK:
        return ""
    clean, attack = published.REMAINING_ATTACK[_dataset(found)]
    reached = {one.label: _first(one, "clean_accuracy", clean) for one in found}
    rows = {label: row for label, row in reached.items() if row is not None}
    if not rows:
        return f"Clean accuracy never falls to {clean} %."
    return (
        f"Where clean accuracy first falls to {clean} % or less, attack success is"
        f" {_each(rows, 'attack_success')}; the paper reports {attack} %. Recovered accuracy there"
        f" is {_each(rows, 'recovered_accuracy')}."
    )


def highest_recovery(found: Sequence[Findings]) -> str:
    """The highest recovered accuracy on any curve."""
    one, order, row = max(_points(found), key=lambda point: point[2]["recovered_accuracy"])
    return (
        f"The highest recovered accuracy on any curve is {row['recovered_accuracy']:.2f} %"
        f" ({one.label}, `{order}`, {100 * row['fraction']:.0f} % of the channels pruned), with"
        f" clean accuracy at {row['clean_accuracy']:.2f} % and attack success at"
        f" {row['attack_success']:.2f} %."
    )


def recovery_without_attack(found: Sequence[Findings]) -> str:
    """Whether the network is repaired where the attack no longer succeeds."""
    attacked = [one for one in found if one.scores["attack_success"] > verdict.WORKS]
    if not attacked:
        return (
            f"Attack success is at most {verdict.WORKS:g} % before pruning: there is no backdoor to"
            " repair."
        )
    points = [point for point in _points(attacked) if point[2]["attack_success"] <= GONE]
    if not points:
        return f"On no curve does attack success fall to {GONE:g} %."
    one, _, row = max(points, key=lambda point: point[2]["recovered_accuracy"])
    recovered, clean = row["recovered_accuracy"], one.scores["clean_accuracy"]
    return (
        f"Where pruning in any order brings attack success down to {GONE:g} % or less, recovered"
        f" accuracy is at most {recovered:.2f} % ({one.label}; clean accuracy before pruning:"
        f" {clean:.2f} %). {verdict.of_repair(recovered, clean)}"
    )


def oracles(rows: pd.DataFrame, threshold: float = 10.0) -> str:
    """What the two proposals of section 4 gain at `threshold`, a drop in points."""
    means = (
        rows[rows["threshold"] == threshold].groupby("order", sort=False).mean(numeric_only=True)
    )
    attack, recovered = means["attack_success"], means["recovered_accuracy"]
    clean_orders = [name for name in means.index if name not in ORACLES]
    lower = [f"`{name}`" for name in ORACLES if attack[name] < attack[clean_orders].min()]
    comparison = "is lower with" if lower else "is not lower with either of"

    def listed(values: pd.Series, names: Sequence[str]) -> str:
        return _listed([f"{values[name]:.2f} % (`{name}`)" for name in names])

    return (
        f"At a drop of {threshold:g} points, attack success is {listed(attack, ORACLES)} with the"
        f" oracles of section 4, and {listed(attack, clean_orders)} with the orders that use only"
        " clean images. The paper expects its proposals to lower it. Compared with both clean"
        f" orders, it {comparison} {_listed(lower) or 'them'}. Recovered accuracy with the oracles"
        f" is {listed(recovered, ORACLES)}."
    )


def differing_settings(settings: pd.DataFrame) -> str:
    """A warning if the networks differ in more than the seed; see `tables.settings`."""
    expected = ("model", "seed", "epoch kept")
    differing = [
        row["setting"]
        for _, row in settings.iterrows()
        if row["setting"] not in expected and row.iloc[1:].astype(str).nunique() > 1
    ]
    if not differing:
        return ""
    return (
        f"The networks differ in more than the seed: {_listed(differing)}. Their spread is"
        " therefore not due to the seed alone."
    )


# Parts of sentences


def _dataset(found: Sequence[Findings]) -> str:
    return found[0].stored.card.dataset


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _percent(values: Sequence[float]) -> str:
    """The mean, and the range if there are several values."""
    text = f"{np.mean(values):.2f} %"
    return f"{text} ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else text


def _each(rows: dict[str, pd.Series], metric: str) -> str:
    """The value in each network's row, and their mean."""
    if len(rows) == 1:
        return f"{next(iter(rows.values()))[metric]:.2f} %"
    each = _listed([f"{row[metric]:.2f} % ({label})" for label, row in rows.items()])
    return f"{each}, on average {np.mean([row[metric] for row in rows.values()]):.2f} %"


def _first(network: Findings, metric: str, limit: float) -> pd.Series | None:
    """The first row of the paper's curve at which `metric` is `limit` percent or less."""
    test = network.curve.test
    below = test[test[metric] <= limit]
    return None if below.empty else below.iloc[0]


def _reached(found: Sequence[Findings], limit: float) -> str:
    """The share of channels pruned when attack success first falls to `limit` percent."""
    rows = [_first(network, "attack_success", limit) for network in found]
    shares = [100 * row["fraction"] for row in rows if row is not None]
    if not shares:
        return f"never falls to {limit:g} %"
    text = f"first falls to {limit:g} % or less with {_percent(shares)} of the channels pruned"
    if len(shares) < len(rows):
        text += f" (in {len(shares)} of {len(rows)} networks; in the others never)"
    return text


def _points(found: Sequence[Findings]) -> list[tuple[Findings, str, pd.Series]]:
    """Every step of every curve."""
    return list(
        chain.from_iterable(
            ((network, order, row) for _, row in curve.test.iterrows())
            for network in found
            for order, curve in network.curves.items()
        )
    )
