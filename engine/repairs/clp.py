"""Channels that amplify too much are switched off (Zheng et al. 2022, CLP)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from engine.datasets.dataset import Split
from engine.progress import Work
from engine.pruning.sites import Site, above_mean, bounds, find_sites
from engine.repairs.repair import Repaired, TolerantRepair
from engine.repairs.strength import most_channels

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class CLP(TolerantRepair):
    """Switch off the channels whose Lipschitz bound stands out in their layer.

    The paper fixes u and switches off what lies above mean + u standard deviations; here u goes
    down, one channel after the other, as far as clean accuracy allows.
    """

    name: ClassVar[str] = "clp"
    title: ClassVar[str] = "Channel Lipschitz pruning (CLP)"
    idea: ClassVar[str] = (
        "Weights alone tell which channels can blow up a faint change: those that stand out in"
        " their layer are switched off."
    )
    needs: ClassVar[str] = "none to find the channels; all to judge"

    def __call__(self, network: keras.Model, validation: Split) -> Work[Repaired]:
        """See `Repair.__call__`."""
        sites = find_sites(network)
        ranked = outliers_first(sites, [bounds(network, site) for site in sites])
        repaired, removed, choice = yield from most_channels(
            network, [(site, channel) for site, channel, _ in ranked], validation, self.tolerated
        )
        last = ranked[choice.setting - 1][2] if choice.setting else float("inf")
        return Repaired(
            repaired,
            f"{choice.setting} channels switched off that amplify more than their layer's mean"
            f" and {last:.2f} standard deviations.",
            removed,
            {**choice.details(), "u": round(last, 4) if choice.setting else None},
        )


def outliers_first(
    sites: Sequence[Site], of_sites: Sequence[np.ndarray]
) -> list[tuple[Site, int, float]]:
    """Every channel, those furthest above the mean of their layer first.

    Args:
        sites: of a network.
        of_sites: `bounds` of each, float [channels].

    Returns:
        (site, channel, u): standard deviations above the layer's mean.
    """
    found = []
    for site, values in zip(sites, of_sites, strict=True):
        found += [(site, channel, float(u)) for channel, u in enumerate(above_mean(values))]
    return sorted(found, key=lambda item: -item[2])
