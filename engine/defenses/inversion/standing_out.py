"""Which class stands out in a family: the smallest patterns of suspects beside those of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.defenses.inversion.family import Family
from engine.defenses.inversion.recovered_trigger import RecoveredTrigger
from engine.defenses.inversion.search import Patterns, Search

IMAGES = 16  # for each pattern and step
FITS = 3.0  # spreads from which the trigger is taken to be of the family
OVERLAYS = ("patch", "blend")  # what is nearest to a trigger that fits no family


@dataclass(frozen=True)
class FamilyFinding:
    """What was found in one family.

    Attributes:
        search: of the family, to go on with.
        patterns: the smallest found, one for each class searched.
    """

    search: Search
    patterns: Patterns

    @property
    def family(self) -> Family:
        """The family searched."""
        return self.search.family

    @property
    def labels(self) -> np.ndarray:
        """The classes searched, int64 [k]."""
        return self.patterns.labels

    @property
    def sizes(self) -> np.ndarray:
        """Of their patterns, float64 [k]; the family's largest where none succeeded."""
        return self.patterns.best_sizes

    def scores(self) -> np.ndarray:
        """How far each of the classes stands out: float64 [k]; see `standing_out`."""
        pairs = zip(self.labels, self.sizes, strict=True)
        return np.array([self.standing_out(int(label), size) for label, size in pairs])

    def score(self, label: int) -> float:
        """How far a class that was searched stands out."""
        return self.standing_out(label, self.sizes[self._place(label)])

    def standing_out(self, label: int, size: float) -> float:
        """How much smaller a pattern for a class is than those for others.

        Returns:
            The logarithm to base 2 of `reference` by the size, divided by the family's power, so
            that an area counts as the square of a strength.
        """
        return float(np.log2(self.reference(label) / size)) / self.family.power

    def reference(self, label: int) -> float:
        """The size that a class is compared with: the median of the others."""
        return float(np.median(self.sizes[self.labels != label]))

    def recovered(self, label: int) -> RecoveredTrigger:
        """The pattern found for a class; its success is not measured yet (nan)."""
        return recovered_trigger(self.family, self.patterns, self._place(label))

    def _place(self, label: int) -> int:
        return int(np.flatnonzero(self.labels == label)[0])


def most_fitting(findings: Sequence[FamilyFinding], label: int) -> list[FamilyFinding]:
    """The families whose patterns are most like the trigger that leads to a class, best first.

    The one in which the class stands out most, in standard deviations of the classes of clean
    networks; or patches and blends together, if it does not stand out far in any. A general family
    counts only if no other was searched: the trigger's own kind of pattern is the smallest set that
    holds it, and unlearning that costs the least accuracy.
    """
    special = [found for found in findings if not found.family.is_general] or list(findings)

    def spreads(found: FamilyFinding) -> float:
        return found.score(label) / found.family.spread

    ranked = sorted(special, key=spreads, reverse=True)
    if spreads(ranked[0]) >= FITS:
        return ranked[:1]
    return [found for found in ranked if found.family.name in OVERLAYS] or ranked[:1]


def search_patterns(
    search: Search, labels: np.ndarray, advanced: Callable[[int], None]
) -> Patterns:
    """Search for the smallest pattern of a family that leads to each of some classes.

    Args:
        search: of the family.
        labels: the classes, int64 [k]; one may be repeated to get several patterns for it.
        advanced: called after each step with the number of images it took.
    """
    patterns = search.begin(labels)
    for _ in range(search.family.steps):
        search.advance(patterns, IMAGES)
        advanced(IMAGES * len(labels))
    return patterns


def recovered_trigger(family: Family, patterns: Patterns, place: int) -> RecoveredTrigger:
    """The smallest pattern found at a place among `patterns`; its success is not measured (nan)."""
    return RecoveredTrigger(
        family.name,
        int(patterns.labels[place]),
        float(patterns.best_sizes[place]),
        family.unit,
        float("nan"),
        **family.arrays([values[place] for values in patterns.best]),
    )
