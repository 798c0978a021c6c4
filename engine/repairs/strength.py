"""How strong a repair is made: one rule, for all of them.

The strongest setting is kept whose accuracy on clean validation images has dropped by no more
than the tolerated points, where each half of the images judges what was learned from the other
half, and all of them judge what was learned from all. Triggered images are not there to be
looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from engine import evaluation
from engine.datasets import splits
from engine.datasets.dataset import Split
from engine.errors import LabError
from engine.progress import Work
from engine.pruning import surgery
from engine.pruning.sites import Site

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


def is_within(before: float, after: float, tolerated: float) -> bool:
    """Whether accuracy fell from `before` to `after` (percent) by `tolerated` points at most."""
    return before - after <= tolerated + 1e-9


def halved(validation: Split) -> tuple[Split, Split]:
    """Two halves by whole tracks, as validation itself was drawn.

    A frame of a sign that was learned from judges nothing. A class with a single track is judged
    by a network that has not learned it again: rather too strict than too lax.

    Raises:
        LabError: there are too few images to do so.
    """
    tracks = np.arange(len(validation)) if validation.tracks is None else validation.tracks
    rng = np.random.default_rng(len(validation))  # the same for every repair
    first = splits.dealt(validation.labels, tracks, rng)
    if first.all() or not first.any():
        raise LabError(
            "There are too few validation images to learn from some and judge on others."
        )
    return validation.take(np.flatnonzero(first)), validation.take(np.flatnonzero(~first))


def strongest(
    network: keras.Model,
    validation: Split,
    tolerated: float,
    settings: Sequence[Setting],
    attempt: Callable[[Setting, Split], Work[keras.Model]],
) -> Work[tuple[keras.Model, Choice[Setting]]]:
    """What the strongest tolerable setting makes of all images; a plain copy if none is.

    Args:
        network: left as it is.
        validation: clean images.
        tolerated: drop in accuracy on them, percentage points.
        settings: the strongest first; the rest are not tried once one is tolerable.
        attempt: from a setting and the images to learn from to a network.
    """
    halves = halved(validation)
    before = yield from evaluation.clean_accuracy(network, validation)
    allowed = partial(is_within, before, tolerated=tolerated)
    tried = []
    for setting in settings:
        after = yield from _judged_crosswise(halves, partial(attempt, setting), allowed)
        tried.append((setting, after))
        if not allowed(after):
            continue
        candidate = yield from attempt(setting, validation)
        if allowed((yield from evaluation.clean_accuracy(candidate, validation))):
            return candidate, Choice(setting, before, after, tuple(tried))
    return surgery.copied(network), Choice(None, before, before, tuple(tried))


def furthest(
    network: keras.Model,
    validation: Split,
    tolerated: float,
    learn: Callable[[Split], Work[keras.Model]],
) -> Work[tuple[keras.Model, Choice[float]]]:
    """Go as far from the network towards what it learned as the rule allows.

    On the straight line between a network and its fine-tuned self, clean accuracy holds better
    than at its end (Wortsman et al. 2022); and every strength comes from one training.

    Args:
        network: left as it is.
        validation: clean images.
        tolerated: drop in accuracy on them, percentage points.
        learn: from the images to learn from to a network of the same layers.

    Returns:
        The network, and the share of the way chosen, one of `SHARES`.
    """
    ends: dict[int, list[np.ndarray]] = {}  # by the images: both halves, and all of them
    start, between = network.get_weights(), surgery.copied(network)  # one, to be traced once

    def attempt(share: float, fitting: Split) -> Work[keras.Model]:
        if id(fitting) not in ends:
            ends[id(fitting)] = (yield from learn(fitting)).get_weights()
        pairs = zip(start, ends[id(fitting)], strict=True)
        between.set_weights([(1 - share) * old + share * new for old, new in pairs])
        return between

    return (yield from strongest(network, validation, tolerated, SHARES, attempt))


def most_channels(
    network: keras.Model,
    ranked: Ranked,
    validation: Split,
    tolerated: float,
    crosswise: Sequence[tuple[Ranked, Split]] = (),
) -> Work[tuple[keras.Model, dict[str, list[int]], Choice[int]]]:
    """Silence as many channels as the rule allows.

    Args:
        network: left as it is.
        ranked: the channels, in the order they are to go.
        validation: clean images.
        tolerated: drop in accuracy on them, percentage points.
        crosswise: see `ranked_crosswise`, where an order was learned.

    Returns:
        The network, the silenced channels by convolution, and the number chosen.
    """
    traced = yield from _traced(network, ranked, validation, tolerated)
    judged = traced
    if crosswise:
        parts = []
        for learned, judging in crosswise:
            part = yield from _traced(network, learned, judging, tolerated)
            parts.append(part * len(judging) / len(validation))
        shortest = min(map(len, parts))
        judged = np.sum([part[:shortest] for part in parts], axis=0)
    counts = [0, *_counts(len(ranked))]
    place = max(
        place
        for place, (crossed, whole) in enumerate(zip(judged, traced, strict=False))
        if is_within(traced[0], min(crossed, whole), tolerated)
    )
    chosen = _by_site(ranked[: counts[place]])
    choice = Choice(
        counts[place],
        float(traced[0]),
        float(judged[place]),
        tuple(zip(counts[1:], map(float, judged[1:]), strict=False)),
    )
    repaired = surgery.copied(network)
    surgery.silence(repaired, chosen)
    return repaired, {site.convolution: sorted(found) for site, found in chosen.items()}, choice


def switched_off(choice: Choice[int], which: str) -> str:
    """What `most_channels` did, in one sentence that ends by saying `which` channels went."""
    if not choice.setting:
        return "Nothing was changed: a single channel less costs too much accuracy."
    number = "1 channel" if choice.setting == 1 else f"{choice.setting} channels"
    return f"{number} switched off, {which}."


def way_taken(choice: Choice[float], learned: str) -> str:
    """What `furthest` did, in one sentence that begins by saying how the network `learned`."""
    if choice.setting is None:
        return "Nothing was changed: not a tenth of the way kept clean accuracy."
    return f"{learned}, and {choice.setting:.0%} of the way taken."


def ranked_crosswise(
    validation: Split, rank: Callable[[Split], Work[Ranked]]
) -> Work[list[tuple[Ranked, Split]]]:
    """The order that each half teaches, with the other half, which is to judge it."""
    first, second = halved(validation)
    return [((yield from rank(first)), second), ((yield from rank(second)), first)]


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


def _judged_crosswise(
    halves: tuple[Split, Split],
    attempt: Callable[[Split], Work[keras.Model]],
    allowed: Callable[[float], bool],
) -> Work[float]:
    """Accuracy in percent on all images, each judging what the other half taught.

    If the first half decides already, the second counts as read without fault.
    """
    total = sum(map(len, halves))
    right = 0.0
    for learned, judging in (halves, halves[::-1]):
        candidate = yield from attempt(learned)
        accuracy = yield from evaluation.clean_accuracy(candidate, judging)
        right += accuracy * len(judging) / total
        if judging is halves[1] and not allowed(at_best := right + 100 * len(learned) / total):
            return at_best
    return right


def _traced(network: keras.Model, ranked: Ranked, judging: Split, tolerated: float) -> Work[Any]:
    """Accuracy in percent at 0 and at each of `_counts`, as far as there is hope: float64."""
    candidate = surgery.copied(network)
    accuracies, gone = [(yield from evaluation.clean_accuracy(candidate, judging))], 0
    for count in _counts(len(ranked)):
        surgery.silence(candidate, _by_site(ranked[gone:count]))
        gone = count
        accuracies.append((yield from evaluation.clean_accuracy(candidate, judging)))
        if accuracies[0] - accuracies[-1] > tolerated + HOPELESS:
            break
    return np.array(accuracies)
