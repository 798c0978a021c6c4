"""I-BAU: unlearn universal adversarial perturbations (Zeng et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core import progress
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.repairs.finetune_loop import BATCH, batch_reader, run_epochs
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import select_strongest
from engine.evaluation import visibility
from engine.networks import edit
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

INNER_STEPS = 30  # of the perturbation, each round
LOWEST_PSNR = 36.0  # dB, of the perturbation
PENALTY = 0.001  # on the perturbation's squared norm; as published
FIXED_POINTS, FIXED_RATE = 5, 0.1  # of the implicit hypergradient; as published
LEARNING_RATE = 1e-4  # as published
CURVED = 4  # one image in so many is used for the curvature, the most expensive part


@dataclass(frozen=True)
class IBAU(BudgetedRepair):
    """Find the perturbation that misleads the network most, unlearn it, and repeat.

    The gradient of the outer problem passes through the inner one: its implicit part is computed
    by fixed-point iteration (section 4 of the paper; here on a quarter of each batch), and limited
    to the norm of the direct part.

    The norm of the perturbation is limited: otherwise it grows until no network can resist it.
    """

    name: ClassVar[str] = "i-bau"
    title: ClassVar[str] = "Adversarial unlearning (I-BAU)"
    summary: ClassVar[str] = (
        "Finds one perturbation for all images that misleads the network most, trains the network"
        " to ignore it, and repeats this for several rounds."
    )
    needs: ClassVar[str] = "all; each half evaluates what the other half trained"

    rounds: int = parameter(
        5, "Rounds", "Each finds a perturbation and unlearns it.", minimum=1, maximum=50
    )

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        made: dict[Split, list[keras.Model]] = {}  # after each round, by what was learned from

        def attempt(rounds: int, fitting: Split) -> keras.Model:
            if len(made.get(fitting, [])) < rounds:
                made[fitting] = self._unlearn_rounds(network, fitting, rounds)
            return made[fitting][rounds - 1]

        repaired, choice = select_strongest(
            network,
            validation,
            self.budget,
            # Each number of rounds is a setting of its own, the strongest first.
            list(dict.fromkeys([self.rounds, max(1, self.rounds // 2), 1])),
            attempt,
        )
        return Repaired(
            repaired,
            "Nothing was changed: even one round costs too much accuracy."
            if choice.setting is None
            else f"{choice.setting} round{'s' * (choice.setting > 1)} of finding the worst"
            " perturbation and unlearning it.",
            details={"rounds": choice.setting, **choice.details()},
        )

    def _unlearn_rounds(
        self, network: keras.Model, fitting: Split, rounds: int
    ) -> list[keras.Model]:
        """A copy of the network after each round."""
        import tensorflow as tf

        rng = np.random.default_rng(self.seed)
        learning = edit.clone_network(network)
        attack_loss = _attack_loss(learning)
        ascend = _perturbation_step(attack_loss, fitting)
        unlearn = _unlearning_step(learning, attack_loss, fitting)
        after = []
        for number in range(1, rounds + 1):
            title = f"Round {number} of {rounds}"
            perturbation = tf.zeros(fitting.images.shape[1:])
            for step in range(INNER_STEPS):
                indices = rng.integers(0, len(fitting), min(BATCH, len(fitting)))
                perturbation = ascend(perturbation, indices)
                progress.report(step + 1, INNER_STEPS, f"{title}: the worst perturbation")
            run_epochs(
                partial(unlearn, perturbation),
                len(fitting),
                1,
                rng,
                f"{title}: unlearning it",
            )
            after.append(edit.clone_network(learning))
        return after


def _attack_loss(network: keras.Model) -> Any:
    """The inner problem's loss: a function of images (0 to 1), labels and the perturbation."""
    import keras
    import tensorflow as tf

    logits = logits_network(network)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def inner(images: Any, labels: Any, change: Any) -> Any:
        misled = loss_of(labels, logits(images + change, training=False))
        return -misled + PENALTY * tf.reduce_sum(tf.square(change))

    return inner


def _signature(fitting: Split) -> list[Any]:
    """Tensors that each step takes: the perturbation, and the indices of a batch."""
    import tensorflow as tf

    shape = tf.TensorSpec(fitting.images.shape[1:], tf.float32)
    return [shape, tf.TensorSpec([None], tf.int64)]


def _perturbation_step(inner: Any, fitting: Split) -> Any:
    """A step of gradient descent on the inner loss; returns the new perturbation."""
    import tensorflow as tf

    taken = batch_reader(fitting)
    radius = visibility.norm_at_psnr(LOWEST_PSNR, fitting.images.shape[1:]) / 255

    @tf.function(input_signature=_signature(fitting), jit_compile=False)
    def ascend(change: Any, indices: Any) -> Any:
        images, labels = taken(indices)
        _, slope = loss_and_gradients(lambda: inner(images / 255, labels, change), change)
        further = change - radius / 5 * tf.math.l2_normalize(slope)
        return tf.clip_by_norm(further, radius)

    return ascend


def _unlearning_step(network: keras.Model, inner: Any, fitting: Split) -> Any:
    """A step of the network against the perturbation."""
    import keras
    import tensorflow as tf

    variables = network.trainable_variables
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(variables)
    taken, logits = batch_reader(fitting), logits_network(network)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(input_signature=_signature(fitting), jit_compile=False)
    def unlearn(change: Any, indices: Any) -> None:
        images, labels = taken(indices)
        images = images / 255
        half = tf.shape(images)[0] // 2

        def outer() -> Any:
            # Half of the batch is perturbed, so that clean images count as well.
            mixed = tf.concat([images[:half] + change, images[half:]], axis=0)
            return loss_of(labels, logits(mixed, training=False))

        _, (*direct, slope) = loss_and_gradients(outer, [*variables, change])
        implicit = slope
        term = slope
        some = images[::CURVED], labels[::CURVED]
        for _ in range(FIXED_POINTS):
            term = term - FIXED_RATE * _curvature(inner, *some, change, term)
            implicit = implicit + term

        def moved() -> Any:
            _, slope = loss_and_gradients(lambda: inner(images, labels, change), change)
            return -FIXED_RATE * tf.reduce_sum(slope * tf.stop_gradient(implicit))

        _, through = loss_and_gradients(moved, variables, unconnected="zero")
        through, _ = tf.clip_by_global_norm(through, tf.linalg.global_norm(direct))
        optimizer.apply([d + t for d, t in zip(direct, through, strict=True)], variables)

    return unlearn


def _curvature(inner: Any, images: Any, labels: Any, change: Any, vector: Any) -> Any:
    """Hessian of the inner loss in the perturbation, times `vector`."""
    import tensorflow as tf

    def along() -> Any:
        _, slope = loss_and_gradients(lambda: inner(images, labels, change), change)
        return tf.reduce_sum(slope * tf.stop_gradient(vector))

    return loss_and_gradients(along, change)[1]
