"""How strong a repair is made: one rule, for all of them.

The strongest setting is kept whose accuracy on clean validation images has dropped by no more
than is tolerated (see `budget`), where each half of the images judges what was learned from
the other half, and all of them judge what was learned from all. Triggered images are not there to
be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from engine.core.errors import UserError
from engine.datasets import splits
from engine.datasets.dataset import Split
from engine.defenses.repairs.accuracy_budget import AccuracyBudget, tracks_of
from engine.evaluation import metrics
from engine.networks import edit
from engine.networks.channels import Site

if TYPE_CHECKING:
    import keras

STEP = 1.25  # from one number of silenced channels to the next
SHARES = tuple(tenths / 10 for tenths in range(10, 0, -1))  # of the way to what was learned
HOPELESS = 10.0  # points below what is tolerated: more channels will not help

Setting = TypeVar("Setting")
Ranked = Sequence[tuple[Site, int]]  # channels, in the order they are to go


@dataclass(frozen=True)
class Choice(Generic[Setting]):
    """What the rule chose.

    Attributes:
        setting: the strongest within the tolerance; None if none was.
        before, after: accuracy in percent; after, of what was learned from the other half.
        tried: every setting tried and its accuracy after; where one half decided already, the
            most that the other could have made of it.
    """

    setting: Setting | None
    before: float
    after: float
    tried: tuple[tuple[Setting, float], ...]

    def details(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "judged_before": round(self.before, 4),
            "judged_after": round(self.after, 4),
            "tried": [[setting, round(accuracy, 4)] for setting, accuracy in self.tried],
        }


def halves(validation: Split) -> tuple[np.ndarray, np.ndarray]:
    """Two halves by whole tracks, as validation itself was drawn: indices, int64 [m].

    A frame of a sign that was learned from judges nothing. A class with a single track is judged
    by a network that has not learned it again: rather too strict than too lax.

    Raises:
        UserError: there are too few images to do so.
    """
    rng = np.random.default_rng(len(validation))  # the same for every repair
    first = splits.dealt(validation.labels, tracks_of(validation), rng)
    if first.all() or not first.any():
        raise UserError(
            "There are too few validation images to learn from some and judge on others."
        )
    return np.flatnonzero(first), np.flatnonzero(~first)


def select_strongest(
    network: keras.Model,
    validation: Split,
    budget: AccuracyBudget,
    settings: Sequence[Setting],
    attempt: Callable[[Setting, Split], keras.Model],
) -> tuple[keras.Model, Choice[Setting]]:
    """What the strongest tolerable setting makes of all images; a plain copy if none is.

    Args:
        network: left as it is.
        validation: clean images.
        tolerance: of the drop in accuracy on them.
        settings: the strongest first; the rest are not tried once one is tolerable.
        attempt: from a setting and the images to learn from to a network.
    """
    parts = halves(validation)
    taught = [validation.take(part) for part in parts]  # the same objects for each setting
    tracks = tracks_of(validation)
    before = metrics.correctly_classified(network, validation)
    tried = []
    for setting in settings:
        after = np.ones(len(validation), bool)
        for learned, judging in ((0, 1), (1, 0)):
            candidate = attempt(setting, taught[learned])
            after[parts[judging]] = metrics.correctly_classified(candidate, taught[judging])
            # If one half decides already, the other counts as read without fault.
            if not AccuracyBudget(budget.points).allows(before, after, tracks):
                break
        tried.append((setting, _percent(after)))
        if not budget.allows(before, after, tracks):
            continue
        candidate = attempt(setting, validation)
        whole = metrics.correctly_classified(candidate, validation)
        if budget.allows(before, whole, tracks):
            return candidate, Choice(setting, _percent(before), _percent(after), tuple(tried))
    return edit.clone_network(network), Choice(
        None, _percent(before), _percent(before), tuple(tried)
    )


def interpolate_weights(
    network: keras.Model,
    validation: Split,
    budget: AccuracyBudget,
    learn: Callable[[Split], keras.Model],
) -> tuple[keras.Model, Choice[float]]:
    """Go as far from the network towards what it learned as the rule allows.

    On the straight line between a network and its fine-tuned self, clean accuracy holds better
    than at its end (Wortsman et al. 2022); and every strength comes from one training.

    Args:
        network: left as it is.
        validation: clean images.
        tolerance: of the drop in accuracy on them.
        learn: from the images to learn from to a network of the same layers.

    Returns:
        The network, and the share of the way chosen, one of `SHARES`.
    """
    ends: dict[Split, list[np.ndarray]] = {}  # by what was learned from: the halves, and all
    start, between = network.get_weights(), edit.clone_network(network)  # one, to be traced once

    def attempt(share: float, fitting: Split) -> keras.Model:
        if fitting not in ends:
            ends[fitting] = learn(fitting).get_weights()
        pairs = zip(start, ends[fitting], strict=True)
        between.set_weights([(1 - share) * old + share * new for old, new in pairs])
        return between

    return select_strongest(network, validation, budget, SHARES, attempt)


def prune_within_budget(
    network: keras.Model,
    ranked: Ranked,
    validation: Split,
    budget: AccuracyBudget,
    crosswise: Sequence[tuple[Ranked, np.ndarray]] = (),
) -> tuple[keras.Model, dict[str, list[int]], Choice[int]]:
    """Silence as many channels as the rule allows.

    Args:
        network: left as it is.
        ranked: the channels, in the order they are to go.
        validation: clean images.
        tolerance: of the drop in accuracy on them.
        crosswise: see `ranked_crosswise`, where an order was learned.

    Returns:
        The network, the silenced channels by convolution, and the number chosen.
    """
    whole = _traced(network, ranked, validation, budget)
    judged, tracks = whole, tracks_of(validation)
    if crosswise:
        parts = []
        for learned, judging in crosswise:
            part = _traced(network, learned, validation.take(judging), budget)
            parts.append((judging, part))
        judged = np.ones((min(len(part) for _, part in parts), len(validation)), bool)
        for judging, part in parts:
            judged[:, judging] = part[: len(judged)]
    counts = [0, *_counts(len(ranked))]
    place = max(
        place
        for place, afters in enumerate(zip(judged, whole, strict=False))
        if all(budget.allows(whole[0], after, tracks) for after in afters)
    )
    chosen = _by_site(ranked[: counts[place]])
    choice = Choice(
        counts[place],
        _percent(whole[0]),
        _percent(judged[place]),
        tuple(zip(counts[1:], map(_percent, judged[1:]), strict=False)),
    )
    repaired = edit.clone_network(network)
    edit.silence(repaired, chosen)
    return repaired, {site.convolution: sorted(found) for site, found in chosen.items()}, choice


def describe_pruning(choice: Choice[int], which: str) -> str:
    """What `prune_within_budget` did, in one sentence; `which` names the channels removed."""
    if not choice.setting:
        return "Nothing was changed: a single channel less costs too much accuracy."
    number = "1 channel" if choice.setting == 1 else f"{choice.setting} channels"
    return f"{number} switched off, {which}."


def describe_interpolation(choice: Choice[float], learned: str) -> str:
    """What `interpolate_weights` did, in one sentence that begins with how it `learned`."""
    if choice.setting is None:
        return "Nothing was changed: not a tenth of the way kept clean accuracy."
    return f"{learned}, and {choice.setting:.0%} of the way taken."


def ranked_crosswise(
    validation: Split, rank: Callable[[Split], Ranked]
) -> list[tuple[Ranked, np.ndarray]]:
    """The order that each half teaches, with the indices of the other, which is to judge it."""
    first, second = halves(validation)
    found = []
    for learned, judging in ((first, second), (second, first)):
        found.append(((rank(validation.take(learned))), judging))
    return found


def lowest_first(sites: Sequence[Site], values: Sequence[np.ndarray]) -> list[tuple[Site, int]]:
    """Every channel, by its value.

    Args:
        sites: of a network.
        values: of each site's channels, float [channels].
    """
    found = sorted(
        (float(value), place, channel)
        for place, of_site in enumerate(values)
        for channel, value in enumerate(of_site)
    )
    return [(sites[place], channel) for _, place, channel in found]


def _counts(largest: int) -> list[int]:
    """1, 2, 3, ... and then in steps of a quarter more, below `largest`: one channel stays."""
    counts: list[int] = []
    count = 1
    while count < largest:
        counts.append(count)
        count = max(count + 1, int(count * STEP))
    return counts


def _by_site(ranked: Ranked) -> dict[Site, list[int]]:
    found: dict[Site, list[int]] = {}
    for site, channel in ranked:
        found.setdefault(site, []).append(channel)
    return found


def _traced(
    network: keras.Model, ranked: Ranked, judging: Split, budget: AccuracyBudget
) -> np.ndarray:
    """Which images are read right at 0 and at each of `_counts`, as far as there is hope.

    Returns:
        bool [counts, n].
    """
    candidate = edit.clone_network(network)
    right, gone = [(metrics.correctly_classified(candidate, judging))], 0
    for count in _counts(len(ranked)):
        edit.silence(candidate, _by_site(ranked[gone:count]))
        gone = count
        right.append(metrics.correctly_classified(candidate, judging))
        if _percent(right[0]) - _percent(right[-1]) > budget.points + HOPELESS:
            break
    return np.array(right)


def _percent(right: np.ndarray) -> float:
    return 100 * float(right.mean())
