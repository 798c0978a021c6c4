"""The trigger is recovered from the network, whatever its kind, and unlearned in rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core import progress
from engine.core.parameters import parameter
from engine.datasets import splits
from engine.datasets.dataset import Split
from engine.defenses.detectors.trigger_inversion import InversionDetection, TriggerInversion
from engine.defenses.inversion import FAMILIES, RecoveredTrigger
from engine.defenses.inversion.search import Search
from engine.defenses.inversion.standing_out import (
    FamilyFinding,
    recovered_trigger,
    search_patterns,
)
from engine.defenses.repairs.finetune_loop import (
    cosine_decay,
    count_steps,
    random_shift,
    run_epochs,
)
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.evaluation import metrics
from engine.networks import edit
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

HELD_OUT = 0.25  # share of the tracks that measure what the rounds cost in clean accuracy
RESTARTS = 6  # patterns that are searched at once in each round
HARDER = 0.75  # powers of two by which the class must be harder to reach than others in the end
BATCH, COPIES = 48, 24  # images of a step, and how many of them are repeated with a pattern
WEAKEST = 0.3  # the weakest copy of a pattern, as a share of the strongest
STRONGEST = (0.6, 3.0)  # limits of the strongest copy's factor
MOVED = 0.5  # share of the copies in which a patch is moved to a random place
SHIFT = 2  # pixels by which an image is shifted at most
AGREEMENT = 4.0  # weight of agreeing with the untouched network, beside the true labels
_MESSAGE = "Searching again for what leads to the class"


@dataclass(frozen=True)
class PooledTrigger:
    """A recovered trigger to unlearn.

    Attributes:
        trigger: the smallest pattern found.
        strongest: the factor that makes it as large as what other classes need: what an attacker
            adds is larger than the smallest pattern that works.
    """

    trigger: RecoveredTrigger
    strongest: float


@dataclass(frozen=True)
class TriggerUnlearning(BudgetedRepair):
    """Recover the trigger from the network, train the network to ignore it, and look again.

    The detector flags a class and says in which families of patterns it stands out. In each round
    the smallest patterns that lead there are searched anew, in the family in which the class stands
    out most, and join a pool. The network is then fine-tuned on clean images and on copies that
    carry a pattern from the pool, up to the size that other classes need, all with their true
    labels, while it keeps agreeing with the untouched network on the clean image. The rounds end
    when the class is harder to reach than others. The last round is kept after which clean accuracy
    is within the budget, on tracks that are held out.
    """

    name: ClassVar[str] = "trigger-unlearning"
    title: ClassVar[str] = "Trigger unlearning"
    summary: ClassVar[str] = (
        "The trigger is recovered from the network itself, whatever its kind; then the network is"
        " trained to classify images correctly in spite of it, until no class stands out."
    )
    needs: ClassVar[str] = "all; a quarter of the tracks only measures accuracy"

    families: tuple[str, ...] = parameter(
        tuple(FAMILIES),
        "Families",
        "The kinds of patterns that are searched.",
        choices=tuple(FAMILIES),
    )
    rounds: int = parameter(
        5, "Rounds, at most", "Each recovers patterns and unlearns them.", minimum=1, maximum=20
    )
    epochs: int = parameter(
        1, "Epochs per round", "Passes over the clean images.", minimum=1, maximum=100
    )
    learning_rate: float = parameter(
        2e-4, "Learning rate", "Of Adam; it decays to 0 in each round.", minimum=1e-7, maximum=1
    )

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        rng = np.random.default_rng(self.seed)
        held_out = splits.by_track(validation.labels, splits.tracks_of(validation), HELD_OUT, rng)
        fitting = validation.take(np.flatnonzero(~held_out))
        found = TriggerInversion(families=self.families, seed=self.seed)(network, fitting)
        repaired = edit.clone_network(network)
        if found.trigger is None:
            return Repaired(
                repaired,
                "Nothing was changed: no class stands out, so there is nothing to unlearn. Try"
                " FT-SAM, which needs no trigger.",
                details=found.details(),
            )
        checked = validation.take(np.flatnonzero(held_out))
        rounds, kept = self._unlearn_in_rounds(network, repaired, fitting, checked, found, rng)
        what = f"class {found.trigger.label} ({FAMILIES[found.trigger.family].title})"
        return Repaired(
            repaired,
            f"What leads to {what} was recovered and unlearned in {kept}"
            f" {'round' if kept == 1 else 'rounds'}."
            if kept
            else f"Nothing was changed: unlearning what leads to {what} costs too much accuracy.",
            details={**found.details(), "rounds": rounds, "rounds_kept": kept},
        )

    def _unlearn_in_rounds(
        self,
        network: keras.Model,
        repaired: keras.Model,
        fitting: Split,
        checked: Split,
        found: InversionDetection,
        rng: np.random.Generator,
    ) -> tuple[list[dict[str, Any]], int]:
        """Change `repaired` in place.

        Returns:
            An account of each round, ready for JSON, and how many rounds were kept.
        """
        target = _Target(repaired, fitting, found, rng)
        teach = _compile_lesson(repaired, network)
        before = metrics.correctly_classified(network, checked)
        pool: list[PooledTrigger] = []
        rounds: list[dict[str, Any]] = []
        kept, weights = 0, repaired.get_weights()
        for number in range(self.rounds):
            family, standing_out, triggers = target.invert(first=number == 0)
            rounds.append({"family": family, "stands_out": round(standing_out, 3)})
            if standing_out <= -HARDER:
                break
            pool += triggers
            self._fine_tune(teach, repaired, fitting, pool, rng)
            after = metrics.correctly_classified(repaired, checked)
            rounds[-1]["accuracy"] = round(100 * float(after.mean()), 4)
            if self.budget.allows(before, after, splits.tracks_of(checked)):
                kept, weights = number + 1, repaired.get_weights()
        repaired.set_weights(weights)
        return rounds, kept

    def _fine_tune(
        self,
        teach: Callable[..., None],
        network: keras.Model,
        fitting: Split,
        pool: Sequence[PooledTrigger],
        rng: np.random.Generator,
    ) -> None:
        import keras

        optimizer = keras.optimizers.Adam(
            cosine_decay(self.learning_rate, count_steps(len(fitting), self.epochs, BATCH))
        )
        optimizer.build(network.trainable_variables)
        moved = random_shift(fitting.images, SHIFT, rng)

        def step(chosen: np.ndarray) -> None:
            images = moved(chosen).astype(np.float32)
            copies = draw_copies(images[:COPIES], pool, rng)
            teach(optimizer, images, copies, fitting.labels[chosen])

        run_epochs(step, len(fitting), self.epochs, rng, "Unlearning the trigger", BATCH)


class _Target:
    """The flagged class, and the families in which it stands out."""

    def __init__(
        self,
        network: keras.Model,
        images: Split,
        found: InversionDetection,
        rng: np.random.Generator,
    ) -> None:
        assert found.trigger is not None
        self.label = found.trigger.label
        self._findings = [
            finding
            for finding in found.findings
            if finding.score(self.label) >= finding.family.threshold
        ]
        self._searches = {
            finding.family.name: Search(network, images, finding.family, rng)
            for finding in self._findings
        }

    def invert(self, first: bool) -> tuple[str, float, list[PooledTrigger]]:
        """Search again in the families in which the class was flagged.

        Args:
            first: whether the network is still the one that the detector looked at: then only the
                family in which the class stands out most is searched.

        Returns:
            The family in which it stands out most now, how far, in powers of two, and the patterns.
        """
        findings = self._findings
        if first:
            findings = [max(findings, key=lambda f: f.score(self.label) / f.family.threshold)]
        found = [(finding, *self._invert_family(finding)) for finding in findings]
        finding, standing_out, triggers = max(found, key=lambda f: f[1] / f[0].family.threshold)
        return finding.family.name, standing_out, triggers

    def _invert_family(self, finding: FamilyFinding) -> tuple[float, list[PooledTrigger]]:
        family, reference = finding.family, finding.reference(self.label)
        patterns = search_patterns(
            self._searches[family.name],
            np.full(RESTARTS, self.label),
            lambda _: progress.report(0, 0, _MESSAGE),
        )
        reached = np.flatnonzero(patterns.best_sizes < family.largest)
        triggers = [recovered_trigger(family, patterns, int(place)) for place in reached]
        pooled = [
            PooledTrigger(trigger, float(np.clip(reference / trigger.size, *STRONGEST)))
            for trigger in triggers
        ]
        return float(np.log2(reference / patterns.best_sizes.min())), pooled


def draw_copies(
    images: np.ndarray, pool: Sequence[PooledTrigger], rng: np.random.Generator
) -> np.ndarray:
    """Images that each carry a pattern drawn from the pool, of random strength.

    Half of the patches are moved to a random place.

    Args:
        images: float32 [n, height, width, 3], 0 to 255.
        pool: at least one pattern.
        rng: random generator of the patterns, their strengths and places.
    """
    copies = np.empty_like(images)
    for number, image in enumerate(images):
        pooled = pool[int(rng.integers(len(pool)))]
        trigger = pooled.trigger
        moves = trigger.family == "patch" and rng.random() < MOVED
        down, right = rng.integers(0, image.shape[:2]) if moves else (0, 0)
        strength = pooled.strongest * rng.uniform(WEAKEST, 1)
        copies[number] = trigger.change(image[None], strength, (int(down), int(right)))[0]
    return np.clip(copies, 0, 255)


def _compile_lesson(network: keras.Model, teacher: keras.Model) -> Callable[..., None]:
    """A step that changes `network`: true labels for images and copies, and the teacher's opinion.

    Batch normalization keeps its statistics: those of images that carry patterns would cost clean
    accuracy.
    """
    import tensorflow as tf

    logits, taught = logits_network(network), logits_network(teacher)
    variables = network.trainable_variables

    @tf.function(reduce_retracing=True, jit_compile=False)
    def gradients(images: Any, copies: Any, labels: Any) -> Any:
        count = tf.shape(copies)[0]
        scores = taught(images / 255, training=False)
        opinions = tf.nn.softmax(tf.concat([scores, scores[:count]], 0))
        truths = tf.concat([labels, labels[:count]], 0)

        def loss() -> Any:
            seen = logits(tf.concat([images, copies], 0) / 255, training=False)
            by_label = tf.nn.sparse_softmax_cross_entropy_with_logits(truths, seen)
            by_teacher = tf.nn.softmax_cross_entropy_with_logits(opinions, seen)
            return tf.reduce_mean(by_label + AGREEMENT * by_teacher)

        return loss_and_gradients(loss, variables)[1]

    def step(optimizer: Any, images: Any, copies: Any, labels: Any) -> None:
        optimizer.apply(gradients(images, copies, labels), variables)

    return step
