"""What the figures say, in sentences that hold for any run: the numbers choose the words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pandas as pd

from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS, OracleOrder
from engine.reporting.reproduction import paper, tables
from engine.reporting.reproduction.findings import Findings

# Attack success in percent: no longer near 100; the least of a backdoor; as good as none.
FALLING, WORKS, GONE = 90.0, 50.0, 1.0
CLOSE = 1.0  # points of accuracy that are no difference worth a word
ORACLES = [name for name, order in ORDERS.items() if isinstance(order, OracleOrder)]


def conclusions(found: Sequence[Findings], rows: pd.DataFrame) -> list[str]:
    """What holds of the paper and what does not.

    Args:
        found: all networks.
        rows: see `tables.at_thresholds`.
    """
    return [
        before_pruning(found),
        pruned_shares(found, rows),
        collapse(found),
        highest_recovery(found),
        recovery_without_attack(found),
        oracles(rows),
    ]


def before_pruning(found: Sequence[Findings]) -> str:
    """Clean accuracy and attack success beside Table 1."""
    published = paper.TABLE_1.get(_dataset(found), {})
    said, close = [], []
    for figure in ("clean_accuracy", "attack_success"):
        values = [findings.scores[figure] for findings in found]
        text = f"{tables.NAMES[figure].lower()} is {_percent(values)}"
        if figure in published:
            gap = float(np.mean(values)) - published[figure]
            close.append(abs(gap) <= CLOSE)
            text += f", {gap:+.2f} points from the paper's {published[figure]:g} %"
        said.append(text)
    sentence = f"Before pruning, {'; '.join(said)}."
    if not close:
        return sentence
    if all(close):
        return f"{sentence} Both lie within {CLOSE:g} point of the paper: Table 1 holds."
    return f"{sentence} Not both lie within {CLOSE:g} point of the paper: Table 1 does not hold."


def pruned_shares(found: Sequence[Findings], rows: pd.DataFrame) -> str:
    """How far channels can be pruned, beside section 3.2."""
    own = rows[rows["order"] == DEFAULT_ORDER]
    before = {one.label: one.curve.validation["clean_accuracy"].iloc[0] for one in found}
    # A network that starts low never loses that many points: its step is the last there is.
    reached = own["network"].map(before) - own["validation_accuracy"] >= own["threshold"] - 1e-9
    in_all = reached.groupby(own["threshold"]).transform("all")
    shares = 100 * own[in_all].groupby("threshold")["fraction"].mean()
    if shares.empty:
        return "On validation images, clean accuracy never drops as far as the thresholds."
    drops = _listed([f"{threshold:g}" for threshold in shares.index])
    text = (
        f"On validation images, clean accuracy has dropped by {drops} points once"
        f" {_listed([f'{share:.0f}' for share in shares])} % of the channels are pruned"
    )
    if _dataset(found) not in paper.PRUNED:
        return f"{text}."
    published = [paper.PRUNED[_dataset(found)][threshold] for threshold in shares.index]
    return (
        f"{text}; the paper has {_listed([f'{share:g}' for share in published])} %,"
        f" at most {(shares - published).abs().max():.1f} percentage points away."
    )


def collapse(found: Sequence[Findings]) -> str:
    """Where attack success collapses on the paper's curve, and what is left there."""
    text = (
        "Pruned in the paper's order, attack success"
        f" {_reached(found, FALLING)}, and {_reached(found, GONE)}."
    )
    if _dataset(found) in paper.COLLAPSE:
        begins, ends = paper.COLLAPSE[_dataset(found)]
        text += f" In the paper it begins to fall at {begins} % and is 0 from {ends} %."
    gone = [
        row for row in (_first(one, "attack_success", GONE) for one in found) if row is not None
    ]
    if gone:
        clean = _percent([row["clean_accuracy"] for row in gone])
        recovered = _percent([row["recovered_accuracy"] for row in gone])
        text += (
            f" Where it is first at most {GONE:g} %, clean accuracy is {clean}, and {recovered}"
            " of the triggered images are read right."
        )
    return text


def low_point(found: Sequence[Findings]) -> str:
    """The paper's claim: how low attack success is once clean accuracy is down to 65 %."""
    if _dataset(found) not in paper.LOW:
        return ""
    clean, attack = paper.LOW[_dataset(found)]
    reached = {one.label: _first(one, "clean_accuracy", clean) for one in found}
    rows = {label: row for label, row in reached.items() if row is not None}
    if not rows:
        return f"Clean accuracy never comes down to {clean} %."
    return (
        f"Where clean accuracy is first {clean} % or less, attack success is"
        f" {_each(rows, 'attack_success')}; the paper has {attack} %. Recovered accuracy is"
        f" {_each(rows, 'recovered_accuracy')} there."
    )


def highest_recovery(found: Sequence[Findings]) -> str:
    """The most triggered images read right anywhere."""
    one, order, row = max(_points(found), key=lambda point: point[2]["recovered_accuracy"])
    return (
        f"The highest recovered accuracy on any curve is {row['recovered_accuracy']:.2f} %"
        f" ({one.label}, `{order}`, {100 * row['fraction']:.0f} % of the channels pruned); clean"
        f" accuracy is {row['clean_accuracy']:.2f} % and attack success"
        f" {row['attack_success']:.2f} % there."
    )


def recovery_without_attack(found: Sequence[Findings]) -> str:
    """Whether the network is repaired where the attack no longer succeeds."""
    attacked = [one for one in found if one.scores["attack_success"] > WORKS]
    if not attacked:
        return f"Attack success is no more than {WORKS:g} % before pruning: too little to repair."
    points = [point for point in _points(attacked) if point[2]["attack_success"] <= GONE]
    if not points:
        return f"On no curve does attack success come down to {GONE:g} %."
    one, _, row = max(points, key=lambda point: point[2]["recovered_accuracy"])
    recovered, clean = row["recovered_accuracy"], one.scores["clean_accuracy"]
    text = (
        f"Where pruning in any order brings attack success down to {GONE:g} % or less, at most"
        f" {recovered:.2f} % of the triggered images are read right ({one.label}, which reads"
        f" {clean:.2f} % of the clean images right before pruning)."
    )
    # Beside the untouched network: one that is pruned to ruin reads clean images wrong as well.
    if recovered < clean / 2:
        return (
            f"{text} That the attack no longer succeeds is therefore no repair: most triggered"
            " images are still read wrong. The paper's conclusion, that pruning mitigates the"
            " backdoor, rests on attack success alone and does not hold here."
        )
    if recovered < 0.9 * clean:
        return f"{text} That is part of a repair, not the whole of it."
    return f"{text} There, pruning does repair the network."


def oracles(rows: pd.DataFrame, threshold: float = 10.0) -> str:
    """What the two proposals of section 4 gain at `threshold`, a drop in points."""
    means = (
        rows[rows["threshold"] == threshold].groupby("order", sort=False).mean(numeric_only=True)
    )
    attack, recovered = means["attack_success"], means["recovered_accuracy"]
    defender = [name for name in means.index if name not in ORACLES]
    lower = [f"`{name}`" for name in ORACLES if attack[name] < attack[defender].min()]
    verdict = "is lower with" if lower else "is not lower with either of"

    def told(values: pd.Series, names: Sequence[str]) -> str:
        return _listed([f"{values[name]:.2f} % (`{name}`)" for name in names])

    return (
        f"At a drop of {threshold:g} points, attack success is {told(attack, ORACLES)} with the"
        f" oracles of section 4, {told(attack, defender)} with the orders that see clean images"
        f" alone. The paper expects its proposals to lower it: beside both clean orders, it"
        f" {verdict} {_listed(lower) or 'them'}. Recovered accuracy is then"
        f" {told(recovered, ORACLES)}."
    )


def alike(settings: pd.DataFrame) -> str:
    """A warning if the networks differ in more than the seed; see `tables.settings`."""
    own = ("model", "seed", "epoch kept")
    differing = [
        row["setting"]
        for _, row in settings.iterrows()
        if row["setting"] not in own and row.iloc[1:].astype(str).nunique() > 1
    ]
    if not differing:
        return ""
    return (
        f"The networks differ in more than the seed: {_listed(differing)}. The spread"
        " is not the seed's alone."
    )


# The parts of a sentence


def _dataset(found: Sequence[Findings]) -> str:
    return found[0].stored.card.dataset


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _percent(values: Sequence[float]) -> str:
    """The mean, and the range it is taken over."""
    text = f"{np.mean(values):.2f} %"
    return f"{text} ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else text


def _each(rows: dict[str, pd.Series], figure: str) -> str:
    """The value in each network's row, and their mean."""
    if len(rows) == 1:
        return f"{next(iter(rows.values()))[figure]:.2f} %"
    said = _listed([f"{row[figure]:.2f} % ({label})" for label, row in rows.items()])
    return f"{said}, on average {np.mean([row[figure] for row in rows.values()]):.2f} %"


def _first(findings: Findings, figure: str, limit: float) -> pd.Series | None:
    """The first row of the paper's curve at which `figure` is `limit` percent or less."""
    test = findings.curve.test
    below = test[test[figure] <= limit]
    return None if below.empty else below.iloc[0]


def _reached(found: Sequence[Findings], limit: float) -> str:
    """After which share of the channels attack success is first `limit` percent or less."""
    rows = [_first(findings, "attack_success", limit) for findings in found]
    shares = [100 * row["fraction"] for row in rows if row is not None]
    if not shares:
        return f"never comes down to {limit:g} %"
    text = f"is first at most {limit:g} % with {_percent(shares)} of the channels pruned"
    if len(shares) < len(rows):
        text += f" (in {len(shares)} of {len(rows)} networks, in the others never)"
    return text


def _points(found: Sequence[Findings]) -> list[tuple[Findings, str, pd.Series]]:
    """Every step of every curve."""
    return list(
        chain.from_iterable(
            ((findings, order, row) for _, row in curve.test.iterrows())
            for findings in found
            for order, curve in findings.curves.items()
        )
    )
