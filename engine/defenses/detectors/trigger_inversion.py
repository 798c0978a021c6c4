"""Trigger inversion: the smallest pattern that leads to each class, and how suspicious that is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from engine.core import progress
from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.datasets import splits
from engine.datasets.dataset import Split
from engine.defenses.detectors.detector import Detection, Detector
from engine.defenses.detectors.mm_bd import FEWEST_CLASSES, MMBD, outlier_p_values
from engine.defenses.inversion import FAMILIES, RecoveredTrigger
from engine.defenses.inversion.description import describe
from engine.defenses.inversion.search import Search
from engine.defenses.inversion.standing_out import (
    IMAGES,
    FamilyFinding,
    most_fitting,
    search_patterns,
)
from engine.evaluation import metrics
from engine.imaging.random_shift import random_shift

if TYPE_CHECKING:
    import keras

THRESHOLD = 9.5  # score from which a class is flagged; see report/detection/threshold.csv
LARGEST_MARGIN_EVIDENCE = 6.0  # powers of ten; a smaller p-value says no more
SUSPECTS, OTHERS = 3, 4  # classes searched: those with the largest margins, and some to compare
HELD_OUT = 0.25  # share of the tracks on which a pattern must work that was not fitted to them
CONFIRMED = 50.0  # percent of the held-out images that a flagged class's pattern must send there
CHECKED_ON = 200  # held-out images
SHIFT, NOISE = 2, 8  # pixels and grey levels by which those are changed before the pattern is added


@dataclass(frozen=True)
class InversionDetection(Detection):
    """What trigger inversion found.

    The score of a class adds up all that speaks against it; see `class_scores`. At most one class
    is flagged: the one with the highest score, if that reaches `THRESHOLD` and its pattern works
    on images that it was not fitted to.

    Attributes:
        margins: the largest margin of each class, logits, float64 [classes]; empty if the network
            has too few classes to compare them.
        p_values: of these; see `outlier_p_values`.
        findings: one for each family.
        triggers: for each class searched, the pattern of the family in which it stands out most.
    """

    margins: np.ndarray = field(default_factory=lambda: np.empty(0))
    p_values: np.ndarray = field(default_factory=lambda: np.empty(0))
    findings: tuple[FamilyFinding, ...] = ()
    triggers: tuple[RecoveredTrigger, ...] = ()

    def describe(self, class_names: tuple[str, ...]) -> str:
        """The finding in one sentence."""
        first = class_names[int(self.scores.argmax())]
        if self.trigger is not None:
            return (
                f"{class_names[self.trigger.label]} stands out:"
                f" {self.trigger.success:.0f} % of other images are sent there by"
                f" {describe(self.trigger)}."
            )
        if self.scores.max() < THRESHOLD:
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

    def evidence(self, class_names: tuple[str, ...]) -> pd.DataFrame:
        """A row per class, the most suspicious first.

        Returns:
            label, name, score, flagged, margin (logits) and p_value; and for the classes that were
            searched, of the family in which they stand out most: family, size, unit, success
            (percent of held-out images that the pattern sends there).
        """
        rows = {
            trigger.label: {
                "family": trigger.family,
                "size": round(trigger.size, 4),
                "unit": trigger.unit,
                "success": round(trigger.success, 2),
            }
            for trigger in self.triggers
        }
        patterns = pd.DataFrame.from_dict(rows, "index", columns=RecoveredTrigger.MEASURED)
        known = len(self.margins) > 0
        numbers = pd.DataFrame(
            {
                "margin": self.margins.round(4) if known else np.nan,
                "p_value": self.p_values if known else np.nan,
            },
            index=range(len(class_names)),
        )
        return super().evidence(class_names).join(numbers, on="label").join(patterns, on="label")

    def sizes(self, class_names: tuple[str, ...]) -> pd.DataFrame:
        """A row per family and class searched: the size of the smallest pattern.

        Returns:
            family, label, name, size, unit, standing_out (see `FamilyFinding.standing_out`) and
            spread (see `Family`).
        """
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "family": found.family.name,
                        "label": found.labels,
                        "name": [class_names[label] for label in found.labels],
                        "size": found.sizes.round(4),
                        "unit": found.family.unit,
                        "standing_out": found.scores().round(4),
                        "spread": found.family.spread,
                    }
                )
                for found in self.findings
            ],
            ignore_index=True,
        )


@dataclass(frozen=True)
class TriggerInversion(Detector):
    """Search for the smallest pattern that leads to each class, in several families of patterns.

    A backdoor is a shortcut: to its target leads a pattern much smaller than to any other class
    (Neural Cleanse, Wang et al. 2019), and its target can win by a larger margin (MM-BD, Wang et
    al. 2024). Small in which measure depends on the trigger, so each family has its own. The
    classes with the largest margins are the suspects; they are searched, and beside them some
    others to compare with.
    """

    name: ClassVar[str] = "trigger-inversion"
    title: ClassVar[str] = "Trigger inversion"
    summary: ClassVar[str] = (
        "For the most suspicious classes and a few others, searches the smallest patch, blended"
        " picture, pattern of frequencies, stripes and warp that send other images there; a class"
        " that needs much less than the others is flagged."
    )
    reference: ClassVar[str] = "after Wang et al. 2019, Wang et al. 2024"

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
        fitted, checked = _hold_out(images, rng)
        margins, p_values = self._margins(network, images)
        findings = self._search(network, fitted, margins, rng)
        triggers = tuple(
            _confirm(network, most_fitting(findings, label)[0].recovered(label), checked, rng)
            for label in findings[0].labels.tolist()
        )
        scores = class_scores(findings, p_values, network.output_shape[-1])
        trigger = _flagged_trigger(scores, triggers)
        return InversionDetection(
            scores,
            "points",
            () if trigger is None else (trigger.label,),
            trigger,
            margins,
            p_values,
            findings,
            triggers,
        )

    def _margins(self, network: keras.Model, images: Split) -> tuple[np.ndarray, np.ndarray]:
        """The largest margins and their p-values; both empty if there are too few classes."""
        if network.output_shape[-1] < FEWEST_CLASSES:
            return np.empty(0), np.empty(0)
        margins = MMBD(seed=self.seed)(network, images).scores
        return margins, outlier_p_values(margins)

    def _search(
        self, network: keras.Model, images: Split, margins: np.ndarray, rng: np.random.Generator
    ) -> tuple[FamilyFinding, ...]:
        classes = int(network.output_shape[-1])
        few = classes <= SUSPECTS + OTHERS
        labels = np.arange(classes) if few else classes_to_search(margins)
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


def _hold_out(images: Split, rng: np.random.Generator) -> tuple[Split, Split]:
    """Images to fit patterns to, and others to confirm them on.

    Both are all images if so few have a second one of their class that not even two classes can be
    held out.
    """
    held_out = splits.by_track(images.labels, splits.tracks_of(images), HELD_OUT, rng)
    if len(np.unique(images.labels[held_out])) < 2:
        return images, images
    return images.take(np.flatnonzero(~held_out)), images.take(np.flatnonzero(held_out))


def classes_to_search(margins: np.ndarray) -> np.ndarray:
    """The suspects, and some of the other classes, evenly spread: int64 [k].

    Args:
        margins: float64 [classes]; the larger, the more suspicious.
    """
    order = np.argsort(-margins, kind="stable")
    suspects, rest = order[:SUSPECTS], order[SUSPECTS:]
    chosen = np.linspace(0, len(rest) - 1, min(OTHERS, len(rest))).round().astype(int)
    return np.concatenate([suspects, rest[chosen]])


def class_scores(
    findings: tuple[FamilyFinding, ...], p_values: np.ndarray, classes: int
) -> np.ndarray:
    """How suspicious each class is: float64 [classes], 0 for those that were not searched.

    Each family adds how far the class stands out there, in standard deviations of the classes of
    clean networks, if it does; the margin adds the powers of ten of its p-value.

    Args:
        findings: one for each family.
        p_values: of each class's margin; empty if not known.
        classes: how many the network has.
    """
    scores = np.zeros(classes)
    for found in findings:
        scores[found.labels] += np.maximum(found.scores(), 0) / found.family.spread
    if len(p_values):
        labels = findings[0].labels
        scores[labels] += margin_evidence(p_values[labels])
    return scores


def margin_evidence(p_values: np.ndarray) -> np.ndarray:
    """What margins add to the scores: powers of ten of their p-values, up to a limit."""
    smallest = 10.0**-LARGEST_MARGIN_EVIDENCE
    evidence: np.ndarray = -np.log10(np.clip(p_values, smallest, 1))
    return evidence


def _flagged_trigger(
    scores: np.ndarray, triggers: tuple[RecoveredTrigger, ...]
) -> RecoveredTrigger | None:
    label = int(scores.argmax())
    if scores[label] < THRESHOLD:
        return None
    (trigger,) = (trigger for trigger in triggers if trigger.label == label)
    return trigger if trigger.success >= CONFIRMED else None


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
