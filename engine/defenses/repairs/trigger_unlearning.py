"""The trigger is recovered from the network, whatever its kind, and unlearned in rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from engine.core import progress
from engine.core.parameters import parameter
from engine.datasets import splits
from engine.datasets.dataset import Split
from engine.defenses.detectors.trigger_inversion import TriggerInversion
from engine.defenses.inversion import FAMILIES, RecoveredTrigger
from engine.defenses.inversion.search import Search
from engine.defenses.inversion.standing_out import (
    FamilyFinding,
    most_fitting,
    recovered_trigger,
    search_patterns,
)
from engine.defenses.repairs.finetune_loop import (
    cosine_decay,
    count_steps,
    run_epochs,
)
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import StrengthChoice, percent
from engine.evaluation import metrics
from engine.imaging.random_shift import random_shift
from engine.networks import edit
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

HELD_OUT = 0.25  # share of the tracks that measure what a learning rate costs in clean accuracy
RESTARTS = 12  # patterns that are searched at once in each round, over all families
NOISE = 0.1  # powers of two by which the smallest of so many may lie below others' by chance
BATCH, COPIES = 48, 16  # images of a step, and how many of them are repeated with a pattern
WEAKEST = 0.3  # the weakest copy of a pattern, as a share of the strongest
LARGEST_FACTOR = 3.0  # of the strongest copy
MOVED = 0.5  # share of the copies in which a patch is moved to a random place
SHIFT = 2  # pixels by which an image is shifted at most
AGREEMENT = 4.0  # weight of agreeing with the untouched network, beside the true labels


class Setting(NamedTuple):
    """How the network is fine-tuned.

    Attributes:
        learning_rate: the highest; it decays to 0. The higher, the more is unlearned.
        in_training_mode: whether dropout is on and batch normalization works on the statistics of
            each batch. Off costs less clean accuracy where the copies look very different from
            clean images; on costs less where their patterns are faint.
    """

    learning_rate: float
    in_training_mode: bool


SETTINGS = tuple(Setting(rate, mode) for rate in (7e-4, 4e-4, 2e-4) for mode in (False, True))


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

    The detector flags a class, and says which families of patterns its trigger fits. In each round,
    the smallest patterns that lead there are searched in these and join a pool. The network
    is then fine-tuned on clean images and on copies that carry a pattern from the pool, up to the
    size that other classes need, with their true labels, while it keeps agreeing with the untouched
    network on the clean image. The rounds end when no pattern is clearly smaller than other classes
    need.

    The setting is the first of `SETTINGS` whose drop in clean accuracy stays within the budget,
    measured on tracks that are held out; then all images are learned from. Later rounds keep it,
    and are dropped if they exceed the budget.
    """

    name: ClassVar[str] = "trigger-unlearning"
    title: ClassVar[str] = "Trigger unlearning"
    summary: ClassVar[str] = (
        "The trigger is recovered from the network itself, whatever its kind; then the network is"
        " trained to classify images correctly in spite of it, until no class stands out."
    )
    needs: ClassVar[str] = "all; the accuracy is measured on a quarter of the tracks"

    families: tuple[str, ...] = parameter(
        tuple(FAMILIES),
        "Families",
        "The kinds of patterns that are searched.",
        choices=tuple(FAMILIES),
    )
    rounds: int = parameter(
        2, "Rounds, at most", "Each recovers patterns and unlearns them.", minimum=1, maximum=20
    )
    epochs: int = parameter(
        2, "Epochs", "Passes over the images in each round.", minimum=1, maximum=100
    )

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        detector = TriggerInversion(families=self.families, seed=self.seed)
        found = detector(network, validation)
        usual = found if detector == TriggerInversion() else None
        if found.trigger is None:
            return Repaired(
                edit.clone_network(network),
                "Nothing was changed: no class stands out, so there is nothing to unlearn. Try"
                " activation caps or FT-SAM, which need no trigger.",
                details=found.details(),
                detection=usual,
            )
        findings = most_fitting(found.findings, found.trigger.label)
        rng = np.random.default_rng(self.seed)
        lesson = _Lesson(network, self.epochs, rng)
        rounds = self._unlearn(lesson, findings, found.trigger.label, validation, rng)
        kept = [entry for entry in rounds if entry["learning_rate"] is not None] or rounds
        return Repaired(
            lesson.network,
            _describe(rounds, findings, found.trigger.label),
            details={
                **found.details(),
                "unlearned_families": [finding.family.name for finding in findings],
                **kept[-1],
                "rounds": rounds,
            },
            detection=usual,
        )

    def _unlearn(
        self,
        lesson: _Lesson,
        findings: Sequence[FamilyFinding],
        label: int,
        validation: Split,
        rng: np.random.Generator,
    ) -> list[dict[str, Any]]:
        """Change the lesson's network; returns an account of each round, ready for JSON."""
        searches = [Search(lesson.network, validation, found.family, rng) for found in findings]
        pool: list[PooledTrigger] = []
        rounds: list[dict[str, Any]] = []
        settings: tuple[Setting, ...] = SETTINGS
        for _ in range(self.rounds):
            inverted = [
                _invert(search, finding, label, RESTARTS // len(findings))
                for search, finding in zip(searches, findings, strict=True)
            ]
            standing_out = max(found.standing_out for found in inverted)
            if rounds and standing_out <= NOISE:
                break
            rounds.append({"stands_out": round(standing_out, 3)})
            pool += [trigger for found in inverted for trigger in found.triggers]
            pool = pool or [PooledTrigger(found.recovered(label), 1.0) for found in findings]
            kept = lesson.network.get_weights()
            choice = self._select_setting(lesson, validation, pool, settings)
            chosen = choice.setting._asdict() if choice.setting else {"learning_rate": None}
            rounds[-1] |= {**chosen, **choice.details()}
            if choice.setting is None:
                lesson.network.set_weights(kept)
                break
            lesson.learn(validation, pool, choice.setting)
            settings = (choice.setting,)
        return rounds

    def _select_setting(
        self,
        lesson: _Lesson,
        validation: Split,
        pool: Sequence[PooledTrigger],
        settings: Sequence[Setting],
    ) -> StrengthChoice[Setting]:
        """The first setting within the budget, measured on tracks held out."""
        rng = np.random.default_rng(self.seed)
        tracks = splits.tracks_of(validation)
        held_out = splits.by_track(validation.labels, tracks, HELD_OUT, rng)
        fitting, checked = (validation.take(np.flatnonzero(part)) for part in (~held_out, held_out))
        before = lesson.correct_before(checked)
        start, tried = percent(before), []
        for setting in settings:
            lesson.learn(fitting, pool, setting)
            after = metrics.correctly_classified(lesson.network, checked)
            tried.append((setting, percent(after)))
            if self.budget.allows(before, after, splits.tracks_of(checked)):
                return StrengthChoice(setting, start, percent(after), tuple(tried))
        return StrengthChoice(None, start, start, tuple(tried))


def _describe(
    rounds: Sequence[Mapping[str, Any]], findings: Sequence[FamilyFinding], label: int
) -> str:
    """What was done, in one sentence."""
    what = f"class {label} ({' and '.join(found.family.title for found in findings)})"
    count = sum(entry["learning_rate"] is not None for entry in rounds)
    if not count:
        return f"Nothing was changed: unlearning what leads to {what} costs too much accuracy."
    times = "1 round" if count == 1 else f"{count} rounds"
    return f"What leads to {what} was recovered and unlearned in {times}."


@dataclass(frozen=True)
class Inverted:
    """What a search among the patterns of a family found for the flagged class.

    Attributes:
        standing_out: of the smallest pattern; see `FamilyFinding.standing_out`.
        triggers: the patterns that are smaller than other classes need.
    """

    standing_out: float
    triggers: list[PooledTrigger]


def _invert(search: Search, finding: FamilyFinding, label: int, restarts: int) -> Inverted:
    """Search again for what leads to a class, from several starts at once."""
    message = "Searching for more of what leads to the class"
    patterns = search_patterns(
        search, np.full(restarts, label), lambda _: progress.report(0, 0, message)
    )
    reference = finding.reference(label)
    found = [
        recovered_trigger(search.family, patterns, int(place))
        for place in np.flatnonzero(patterns.best_sizes < reference)
    ]
    return Inverted(
        finding.standing_out(label, float(patterns.best_sizes.min())),
        [
            PooledTrigger(trigger, min(reference / trigger.size, LARGEST_FACTOR))
            for trigger in found
        ],
    )


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


class _Lesson:
    """Teaches a copy of a network to ignore patterns, each time from the untouched weights on."""

    def __init__(self, teacher: keras.Model, epochs: int, rng: np.random.Generator) -> None:
        self.network = edit.clone_network(teacher)
        self._teacher, self._epochs, self._rng = teacher, epochs, rng
        self._gradients = {
            mode: _compile_gradients(self.network, teacher, mode) for mode in (False, True)
        }

    def correct_before(self, split: Split) -> np.ndarray:
        """Which images the untouched network classifies correctly: bool [n]."""
        return metrics.correctly_classified(self._teacher, split)

    def learn(self, split: Split, pool: Sequence[PooledTrigger], setting: Setting) -> None:
        """Start again from the untouched weights, and learn to ignore the patterns."""
        import keras

        self.network.set_weights(self._teacher.get_weights())
        variables = self.network.trainable_variables
        steps = count_steps(len(split), self._epochs, BATCH)
        optimizer = keras.optimizers.Adam(cosine_decay(setting.learning_rate, steps))
        optimizer.build(variables)
        moved = random_shift(split.images, SHIFT, self._rng)

        def step(chosen: np.ndarray) -> None:
            images = moved(chosen).astype(np.float32)
            copies = draw_copies(images[:COPIES], pool, self._rng)
            compute = self._gradients[setting.in_training_mode]
            gradients = compute(images, copies, split.labels[chosen])
            optimizer.apply(gradients, variables)

        message = f"Unlearning the trigger at a learning rate of {setting.learning_rate:g}"
        run_epochs(step, len(split), self._epochs, self._rng, message, BATCH)


def _compile_gradients(
    network: keras.Model, teacher: keras.Model, in_training_mode: bool
) -> Callable[..., Any]:
    """The gradients of the loss by the network's variables.

    The loss asks for the teacher's opinion of the clean image, on the image and on its copy, and on
    the copy for the true label too.
    """
    import tensorflow as tf

    logits, taught = logits_network(network), logits_network(teacher)
    variables = network.trainable_variables

    @tf.function(reduce_retracing=True, jit_compile=False)
    def gradients(images: Any, copies: Any, labels: Any) -> Any:
        count = tf.shape(copies)[0]
        scores = taught(images / 255, training=False)
        opinions = tf.nn.softmax(tf.concat([scores, scores[:count]], 0))

        def loss() -> Any:
            both = tf.concat([images, copies], 0) / 255
            seen = logits(both, training=in_training_mode)
            by_teacher = tf.nn.softmax_cross_entropy_with_logits(opinions, seen)
            by_label = tf.nn.sparse_softmax_cross_entropy_with_logits(labels[:count], seen[-count:])
            shared = tf.cast(tf.shape(seen)[0], tf.float32)
            return (AGREEMENT * tf.reduce_sum(by_teacher) + tf.reduce_sum(by_label)) / shared

        return loss_and_gradients(loss, variables)[1]

    return gradients
