"""Trigger inversion: for each class, the smallest pattern that leads there, in several families."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core import progress
from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.datasets import splits
from engine.datasets.dataset import Split
from engine.defenses.detectors.detector import Detection, Detector
from engine.defenses.detectors.mm_bd import MMBD
from engine.defenses.inversion import FAMILIES, RecoveredTrigger
from engine.defenses.inversion.search import Search
from engine.defenses.inversion.standing_out import IMAGES, FamilyFinding, search_patterns
from engine.evaluation import metrics
from engine.imaging.random_shift import random_shift

if TYPE_CHECKING:
    import keras

SUSPECTS, OTHERS = 3, 4  # classes searched: those with the largest margins, and some to compare
HELD_OUT = 0.25  # share of the tracks on which a pattern must work that was not fitted to them
CONFIRMED = 50.0  # percent of the held-out images that a flagged class's pattern must send there
CHECKED_ON = 200  # held-out images
SHIFT, NOISE = 2, 8  # pixels and grey levels by which those are changed before the pattern is added


@dataclass(frozen=True)
class InversionDetection(Detection):
    """What trigger inversion found.

    The score of a class is the largest, over the families, of how far it stands out (see
    `FamilyFinding.standing_out`) divided by the family's threshold; 0 for a class that was not
    searched. From 1 on, the class stands out. It is flagged if the pattern also works on images
    that it was not fitted to.

    Attributes:
        findings: one for each family.
    """

    findings: tuple[FamilyFinding, ...] = ()

    def describe(self, class_names: tuple[str, ...]) -> str:
        """The finding in one sentence."""
        first = class_names[int(self.scores.argmax())]
        if self.trigger is not None:
            return (
                f"{class_names[self.trigger.label]} stands out:"
                f" {self.trigger.success:.0f} % of other images are sent there by"
                f" {FAMILIES[self.trigger.family].title} ({self.trigger.size:.2g}"
                f" {self.trigger.unit})."
            )
        if self.scores.max() < 1:
            return f"No class stands out: {first} comes closest, below the threshold."
        return (
            f"No class is flagged: what leads to {first} is small, but does not work on images that"
            " it was not fitted to."
        )

    def details(self) -> dict[str, Any]:
        """The finding for a card, ready for JSON."""
        found = {"flagged": list(self.flagged), "scores": self.scores.round(3).tolist()}
        if self.trigger is None:
            return found
        trigger = self.trigger
        return found | {
            "family": trigger.family,
            "size": round(trigger.size, 4),
            "success": round(trigger.success, 2),
        }


@dataclass(frozen=True)
class TriggerInversion(Detector):
    """Search for the smallest pattern that leads to each class, in several families of patterns.

    A backdoor is a shortcut: to its target leads a pattern much smaller than to any other class
    (Neural Cleanse, Wang et al. 2019). Small in which measure depends on the trigger, so each
    family has its own. The classes whose margins can be driven furthest (see `MMBD`) are the
    suspects; they are searched, and beside them some others to compare with.
    """

    name: ClassVar[str] = "trigger-inversion"
    title: ClassVar[str] = "Trigger inversion"
    summary: ClassVar[str] = (
        "For the most suspicious classes and a few others, searches the smallest patch, blended"
        " picture, pattern of frequencies, stripes and warp that send other images there; a class"
        " that needs much less than the others is flagged."
    )
    reference: ClassVar[str] = "after Wang et al. 2019"

    families: tuple[str, ...] = parameter(
        tuple(FAMILIES),
        "Families",
        "The kinds of patterns that are searched.",
        choices=tuple(FAMILIES),
    )
    seed: int = parameter(
        0, "Seed", "The same seed looks at the same images.", minimum=0, maximum=2**31 - 1
    )

    def __call__(self, network: keras.Model, images: Split) -> InversionDetection:
        """See `Detector.__call__`.

        Raises:
            UserError: images of fewer than two classes.
        """
        if len(np.unique(images.labels)) < 2:
            raise UserError("The detector needs clean images of at least two classes.")
        rng = np.random.default_rng(self.seed)
        held_out = splits.by_track(images.labels, splits.tracks_of(images), HELD_OUT, rng)
        fitted = images.take(np.flatnonzero(~held_out))
        findings = self._search(network, fitted, rng)
        scores, best = _scores(findings, network.output_shape[-1])
        checked = images.take(np.flatnonzero(held_out))
        triggers = []
        for label in np.flatnonzero(scores >= 1)[np.argsort(-scores[scores >= 1])]:
            trigger = _confirm(network, best[int(label)].recovered(label), checked, rng)
            if trigger.success >= CONFIRMED:
                triggers.append(trigger)
        flagged = tuple(trigger.label for trigger in triggers)
        first = triggers[0] if triggers else None
        return InversionDetection(
            scores, "times the threshold", flagged, trigger=first, findings=findings
        )

    def _search(
        self, network: keras.Model, images: Split, rng: np.random.Generator
    ) -> tuple[FamilyFinding, ...]:
        labels = self._choose_classes(network, images)
        families = [FAMILIES[name](*images.images.shape[1:3]) for name in self.families]
        total, done = sum(family.steps for family in families) * IMAGES * len(labels), 0
        findings = []
        for family in families:

            def advanced(count: int, title: str = family.title) -> None:
                nonlocal done
                done += count
                progress.report(done, total, f"Searching for {title}")

            search = Search(network, images, family, rng)
            findings.append(FamilyFinding(search, search_patterns(search, labels, advanced)))
        return tuple(findings)

    def _choose_classes(self, network: keras.Model, images: Split) -> np.ndarray:
        """All classes if they are few, else `classes_to_search`: int64 [k]."""
        classes = int(network.output_shape[-1])
        if classes <= SUSPECTS + OTHERS:
            return np.arange(classes)
        return classes_to_search(MMBD(seed=self.seed)(network, images).scores)


def classes_to_search(margins: np.ndarray) -> np.ndarray:
    """The suspects, and some of the other classes, evenly spread: int64 [k].

    Args:
        margins: float64 [classes]; the larger, the more suspicious.
    """
    order = np.argsort(-margins, kind="stable")
    suspects, rest = order[:SUSPECTS], order[SUSPECTS:]
    chosen = np.linspace(0, len(rest) - 1, min(OTHERS, len(rest))).round().astype(int)
    return np.concatenate([suspects, rest[chosen]])


def _scores(
    findings: tuple[FamilyFinding, ...], classes: int
) -> tuple[np.ndarray, dict[int, FamilyFinding]]:
    """Each class's score, float64 [classes], 0 where it does not stand out or was not searched.

    Returns:
        The scores, and the finding in which each class stands out most.
    """
    scores, best = np.zeros(classes), {}
    for found in findings:
        for label, score in zip(found.labels, found.scores(), strict=True):
            relative = score / found.family.threshold
            if relative > scores[label]:
                scores[label], best[int(label)] = relative, found
    return scores, best


def _confirm(
    network: keras.Model, trigger: RecoveredTrigger, images: Split, rng: np.random.Generator
) -> RecoveredTrigger:
    """The trigger with its success on held-out images, moved and noisy."""
    others = np.flatnonzero(images.labels != trigger.label)
    chosen = rng.choice(others, min(CHECKED_ON, len(others)), replace=False)
    changed = random_shift(images.images, SHIFT, rng)(chosen)
    noisy = changed + rng.uniform(-NOISE, NOISE, changed.shape)
    triggered = trigger.apply(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    predicted = metrics.predict(network, triggered)
    return replace(trigger, success=100 * float(np.mean(predicted == trigger.label)))
