"""How strong a repair is made: one rule for all repairs.

The strongest setting is chosen whose drop in clean accuracy stays within the budget (see
`accuracy_budget`), twice: each half of the validation images evaluates what was learned from the
other half, and all of them evaluate what was learned from all. Triggered images play no part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from engine.core.errors import UserError
from engine.datasets import splits
from engine.datasets.dataset import Split
from engine.datasets.splits import tracks_of
from engine.defenses.repairs.accuracy_budget import AccuracyBudget
from engine.evaluation import metrics
from engine.networks import edit
from engine.networks.channels import PrunableLayer, skipped_layers

if TYPE_CHECKING:
    import keras

STEP = 1.25  # factor from one number of pruned channels to the next
SHARES = tuple(tenths / 10 for tenths in range(10, 0, -1))  # of the way to the fine-tuned weights
GIVE_UP = 10.0  # points beyond the budget after which no more channels are tried

Setting = TypeVar("Setting")
RankedChannels = Sequence[tuple[PrunableLayer, int]]  # in the order in which they are pruned


@dataclass(frozen=True)
class StrengthChoice(Generic[Setting]):
    """The setting that the rule chose.

    Attributes:
        setting: the strongest within the budget; None if there is none.
        before, after: clean accuracy in percent; `after` is cross-validated on the two halves.
        tried: every setting tried with its `after`; where the first half alone exceeded the
            budget, an upper limit, with the other half counted as correct.
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


def split_in_halves(validation: Split) -> tuple[np.ndarray, np.ndarray]:
    """Two halves by whole tracks, as validation itself was drawn: indices, int64 [m] each.

    So no image is evaluated by a network that learned from another frame of the same object. A
    class with a single track is evaluated by a network that did not learn it: too strict rather
    than too lax.

    Raises:
        UserError: there are too few images.
    """
    rng = np.random.default_rng(len(validation))  # the same for every repair
    first = splits.dealt(validation.labels, tracks_of(validation), rng)
    if first.all() or not first.any():
        raise UserError(
            "There are too few validation images to learn from one half and evaluate on the other."
        )
    return np.flatnonzero(first), np.flatnonzero(~first)


def select_strongest(
    network: keras.Model,
    validation: Split,
    budget: AccuracyBudget,
    settings: Sequence[Setting],
    attempt: Callable[[Setting, Split], keras.Model],
) -> tuple[keras.Model, StrengthChoice[Setting]]:
    """Repair with the strongest setting within the budget.

    Args:
        network: not changed.
        validation: clean images.
        budget: the drop in accuracy on them that is allowed.
        settings: the strongest first; the search ends at the first one within the budget.
        attempt: makes a network from a setting and the images to learn from.

    Returns:
        The network made from all images, or a copy if no setting is within the budget.
    """
    parts = split_in_halves(validation)
    halves = [validation.take(part) for part in parts]  # the same objects for each setting
    tracks = tracks_of(validation)
    before = metrics.correctly_classified(network, validation)
    tried = []
    for setting in settings:
        after = np.ones(len(validation), bool)
        for learned, held_out in ((0, 1), (1, 0)):
            candidate = attempt(setting, halves[learned])
            after[parts[held_out]] = metrics.correctly_classified(candidate, halves[held_out])
            # If one half alone exceeds the budget, the other need not be tried.
            if not AccuracyBudget(budget.points).allows(before, after, tracks):
                break
        tried.append((setting, percent(after)))
        if not budget.allows(before, after, tracks):
            continue
        candidate = attempt(setting, validation)
        whole = metrics.correctly_classified(candidate, validation)
        if budget.allows(before, whole, tracks):
            return candidate, StrengthChoice(setting, percent(before), percent(after), tuple(tried))
    return edit.clone_network(network), StrengthChoice(
        None, percent(before), percent(before), tuple(tried)
    )


def interpolate_weights(
    network: keras.Model,
    validation: Split,
    budget: AccuracyBudget,
    learn: Callable[[Split], keras.Model],
) -> tuple[keras.Model, StrengthChoice[float]]:
    """Interpolate between a network and its fine-tuned copy, as far as the budget allows.

    On the straight line between the two, clean accuracy holds better than at its end (Wortsman et
    al. 2022); and one fine-tuning gives every strength.

    Args:
        network: not changed.
        validation: clean images.
        budget: the drop in accuracy on them that is allowed.
        learn: fine-tunes a copy on the images to learn from.

    Returns:
        The network, and the share of the way chosen, one of `SHARES`.
    """
    ends: dict[Split, list[np.ndarray]] = {}  # by what was learned from: the halves, and all
    start, between = network.get_weights(), edit.clone_network(network)  # one, to be traced once

    def attempt(share: float, fitting: Split) -> keras.Model:
        if fitting not in ends:
            ends[fitting] = learn(fitting).get_weights()
        pairs = zip(start, ends[fitting], strict=True)
        between.set_weights([_between(share, old, new) for old, new in pairs])
        return between

    return select_strongest(network, validation, budget, SHARES, attempt)


def _between(share: float, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The sum of both, weighted; `old` where they are equal, without rounding."""
    return old if np.array_equal(old, new) else (1 - share) * old + share * new


def prune_within_budget(
    network: keras.Model,
    ranked: RankedChannels,
    validation: Split,
    budget: AccuracyBudget,
    crosswise: Sequence[tuple[RankedChannels, np.ndarray]] = (),
) -> tuple[keras.Model, dict[str, list[int]], StrengthChoice[int]]:
    """Prune as many channels as the budget allows.

    Args:
        network: not changed.
        ranked: the channels, in the order in which they are pruned.
        validation: clean images.
        budget: the drop in accuracy on them that is allowed.
        crosswise: see `rank_crosswise`, where the order was learned.

    Returns:
        The network, the pruned channels by convolution, and the number chosen.
    """
    whole = _trace_pruning(network, ranked, validation, budget)
    evaluated, tracks = whole, tracks_of(validation)
    if crosswise:
        parts = []
        for learned, held_out in crosswise:
            part = _trace_pruning(network, learned, validation.take(held_out), budget)
            parts.append((held_out, part))
        evaluated = np.ones((min(len(part) for _, part in parts), len(validation)), bool)
        for held_out, part in parts:
            evaluated[:, held_out] = part[: len(evaluated)]
    counts = [0, *_counts(len(ranked))]
    place = max(
        place
        for place, afters in enumerate(zip(evaluated, whole, strict=False))
        if all(budget.allows(whole[0], after, tracks) for after in afters)
    )
    chosen = _by_layer(ranked[: counts[place]])
    choice = StrengthChoice(
        counts[place],
        percent(whole[0]),
        percent(evaluated[place]),
        tuple(zip(counts[1:], map(percent, evaluated[1:]), strict=False)),
    )
    repaired = edit.clone_network(network)
    edit.silence(repaired, chosen)
    return (
        repaired,
        {prunable.convolution: sorted(found) for prunable, found in chosen.items()},
        choice,
    )


def describe_pruning(choice: StrengthChoice[int], which: str) -> str:
    """What `prune_within_budget` did, in one sentence; `which` names the channels removed."""
    if not choice.setting:
        return "Nothing was changed: pruning a single channel costs too much accuracy."
    number = "1 channel" if choice.setting == 1 else f"{choice.setting} channels"
    return f"{number} pruned, {which}."


def pruning_details(network: keras.Model, choice: StrengthChoice[int]) -> dict[str, Any]:
    """What `prune_within_budget` chose, and why it left convolutions out, ready for JSON."""
    skipped = skipped_layers(network)
    return choice.details() | ({"skipped": skipped} if skipped else {})


def describe_interpolation(choice: StrengthChoice[float], learned: str) -> str:
    """What `interpolate_weights` did, in one sentence that begins with how it `learned`."""
    if choice.setting is None:
        return "Nothing was changed: even a tenth of the way costs too much accuracy."
    return f"{learned}; weights moved {choice.setting:.0%} of the way."


def rank_crosswise(
    validation: Split, rank: Callable[[Split], RankedChannels]
) -> list[tuple[RankedChannels, np.ndarray]]:
    """The order learned from each half, with the indices of the other half, which evaluates it."""
    first, second = split_in_halves(validation)
    found = []
    for learned, held_out in ((first, second), (second, first)):
        found.append(((rank(validation.take(learned))), held_out))
    return found


def lowest_first(
    prunable_layers: Sequence[PrunableLayer], values: Sequence[np.ndarray]
) -> list[tuple[PrunableLayer, int]]:
    """Every channel, the lowest value first.

    Args:
        prunable_layers: of a network.
        values: one array per prunable, float [channels].
    """
    found = sorted(
        (float(value), place, channel)
        for place, of_site in enumerate(values)
        for channel, value in enumerate(of_site)
    )
    return [(prunable_layers[place], channel) for _, place, channel in found]


def _counts(largest: int) -> list[int]:
    """1, 2, 3, ... and then a quarter more each time, below `largest`: one channel stays."""
    counts: list[int] = []
    count = 1
    while count < largest:
        counts.append(count)
        count = max(count + 1, int(count * STEP))
    return counts


def _by_layer(ranked: RankedChannels) -> dict[PrunableLayer, list[int]]:
    found: dict[PrunableLayer, list[int]] = {}
    for prunable, channel in ranked:
        found.setdefault(prunable, []).append(channel)
    return found


def _trace_pruning(
    network: keras.Model, ranked: RankedChannels, held_out: Split, budget: AccuracyBudget
) -> np.ndarray:
    """Which images are classified correctly at 0 and at each of `_counts`, until it is hopeless.

    Returns:
        bool [counts, n].
    """
    candidate = edit.clone_network(network)
    right, gone = [(metrics.correctly_classified(candidate, held_out))], 0
    for count in _counts(len(ranked)):
        edit.silence(candidate, _by_layer(ranked[gone:count]))
        gone = count
        right.append(metrics.correctly_classified(candidate, held_out))
        if percent(right[0]) - percent(right[-1]) > budget.points + GIVE_UP:
            break
    return np.array(right)


def percent(right: np.ndarray) -> float:
    """The share of true values, percent."""
    return 100 * float(right.mean())
