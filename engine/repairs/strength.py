"""How strong a repair is made: one rule, for all of them.

The strongest setting is kept whose accuracy on clean validation images, which the repair did
not learn from, has dropped by no more than the tolerated points. Triggered images are not there
to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from engine import evaluation, networks
from engine.datasets import splits
from engine.datasets.dataset import Split
from engine.errors import LabError
from engine.progress import Progress, Work
from engine.pruning import surgery
from engine.pruning.sites import Site

if TYPE_CHECKING:
    import keras

JUDGING_SHARE = 0.25
STEP = 1.25  # from one number of silenced channels to the next
HOPELESS = 10.0  # points below what is tolerated: more channels will not help

Setting = TypeVar("Setting")


@dataclass(frozen=True)
class Choice(Generic[Setting]):
    """What the rule chose.

    Attributes:
        setting: the strongest within the tolerance; None if none was.
        before, after: accuracy on the judging images in percent.
        tried: every setting tried and its accuracy.
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


def share_out(validation: Split) -> tuple[Split, Split]:
    """The images a repair learns from, and those its strength is judged on.

    Whole tracks, as validation itself was drawn: a frame of a sign that was learned from judges
    nothing. A class with one track is learned from only.

    Raises:
        LabError: there are too few images to do so.
    """
    tracks = np.arange(len(validation)) if validation.tracks is None else validation.tracks
    rng = np.random.default_rng(len(validation))  # the same for every repair
    judging = splits.by_track(validation.labels, tracks, JUDGING_SHARE, rng)
    if not judging.any():
        raise LabError(
            "There are too few validation images to learn from some and judge on others."
        )
    return validation.take(np.flatnonzero(~judging)), validation.take(np.flatnonzero(judging))


def strongest(
    network: keras.Model,
    judging: Split,
    tolerated: float,
    settings: Sequence[Setting],
    attempt: Callable[[Setting], Work[keras.Model]],
) -> Work[tuple[keras.Model, Choice[Setting]]]:
    """The network that the strongest tolerable setting gives; a copy of it as it was if none does.

    Args:
        network: left as it is.
        judging: clean images that no attempt learns from.
        tolerated: drop in accuracy on them, percentage points.
        settings: the strongest first; the rest are not tried once one is tolerable.
        attempt: gives the network that a setting leads to.
    """
    before = yield from evaluation.clean_accuracy(network, judging)
    tried = []
    for setting in settings:
        candidate = yield from attempt(setting)
        after = yield from evaluation.clean_accuracy(candidate, judging)
        tried.append((setting, after))
        if is_within(before, after, tolerated):
            return candidate, Choice(setting, before, after, tuple(tried))
    return surgery.copied(network), Choice(None, before, before, tuple(tried))


def most_channels(
    network: keras.Model,
    ranked: Sequence[tuple[Site, int]],
    judging: Split,
    tolerated: float,
) -> Work[tuple[keras.Model, dict[str, list[int]], Choice[int]]]:
    """Silence as many channels as the rule allows.

    Args:
        network: left as it is.
        ranked: (site, channel), in the order they are to go.
        judging: clean images.
        tolerated: drop in accuracy on them, percentage points.

    Returns:
        The network, the silenced channels by convolution, and the number chosen.
    """
    candidate = surgery.copied(network)
    run = networks.compiled(candidate)  # reads the weights anew at each call
    counts, accuracies = [0], [(yield from _accuracy(run, judging))]
    for count in _counts(len(ranked)):
        surgery.silence(candidate, _by_site(ranked[counts[-1] : count]))
        counts.append(count)
        accuracies.append((yield from _accuracy(run, judging)))
        if accuracies[0] - accuracies[-1] > tolerated + HOPELESS:
            break
    allowed = [
        place
        for place, after in enumerate(accuracies)
        if is_within(accuracies[0], after, tolerated)
    ]
    place = allowed[-1]
    chosen = _by_site(ranked[: counts[place]])
    choice = Choice(
        counts[place],
        accuracies[0],
        accuracies[place],
        tuple(zip(counts[1:], accuracies[1:], strict=True)),
    )
    repaired = surgery.copied(network)
    surgery.silence(repaired, chosen)
    return repaired, {site.convolution: sorted(found) for site, found in chosen.items()}, choice


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


def _by_site(ranked: Sequence[tuple[Site, int]]) -> dict[Site, list[int]]:
    found: dict[Site, list[int]] = {}
    for site, channel in ranked:
        found.setdefault(site, []).append(channel)
    return found


def _accuracy(run: Callable[[np.ndarray], np.ndarray], split: Split) -> Work[float]:
    right = 0
    for part in networks.batches(len(split)):
        read = run(networks.scale(split.images[part])).argmax(axis=1)
        right += int(np.sum(read == split.labels[part]))
        yield Progress(part.stop, len(split), "Judging on clean images")
    return 100 * right / len(split)
