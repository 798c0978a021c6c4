"""Fine-tuning towards flat minima (Zhu et al. 2023, FT-SAM)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.repairs.finetune_loop import (
    batch_reader,
    cosine_decay,
    count_steps,
    run_epochs,
)
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import describe_interpolation, interpolate_weights
from engine.networks import edit
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class FTSAM(BudgetedRepair):
    """Fine-tune with the gradient at the worst weights nearby.

    Adaptive sharpness-aware minimisation (Kwon et al. 2021, equation 8): the gradient at
    w + rho * w^2 * g / norm(w * g) is applied at w. `strength_selection` chooses how far the
    weights move towards the fine-tuned ones.
    """

    name: ClassVar[str] = "ft-sam"
    title: ClassVar[str] = "Sharpness-aware fine-tuning (FT-SAM)"
    summary: ClassVar[str] = (
        "Fine-tunes on clean images while large weights are perturbed: a backdoor depends on few,"
        " large weights."
    )
    needs: ClassVar[str] = "all; each half evaluates what the other half trained"

    epochs: int = parameter(4, "Epochs", "Passes over the clean images.", minimum=1, maximum=100)
    learning_rate: float = parameter(
        0.01, "Learning rate", "The highest; it decays to 0.", minimum=1e-5, maximum=1
    )
    radius: float = parameter(2.0, "Radius", "Size of the perturbation.", minimum=0.01, maximum=100)

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        repaired, choice = interpolate_weights(
            network,
            validation,
            self.budget,
            lambda fitting: self._fine_tune_sharpness_aware(edit.clone_network(network), fitting),
        )
        return Repaired(
            repaired,
            describe_interpolation(choice, f"Fine-tuned for {self.epochs} epochs"),
            details={"share": choice.setting, **choice.details()},
        )

    def _fine_tune_sharpness_aware(self, network: keras.Model, fitting: Split) -> keras.Model:
        import keras
        import tensorflow as tf

        variables = network.trainable_variables
        rate = cosine_decay(self.learning_rate, count_steps(len(fitting), self.epochs))
        optimizer = keras.optimizers.SGD(rate, momentum=0.9)
        optimizer.build(variables)
        taken, logits = batch_reader(fitting), logits_network(network)
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], jit_compile=False)
        def step(indices: Any) -> None:
            images, labels = taken(indices)
            images = images / 255

            def loss() -> Any:
                return loss_of(labels, logits(images, training=True))

            _, slopes = loss_and_gradients(loss, variables)
            length = tf.linalg.global_norm(
                [tf.abs(v) * g for v, g in zip(variables, slopes, strict=True)]
            )
            moves = [
                self.radius * tf.square(v) * g / (length + 1e-12)
                for v, g in zip(variables, slopes, strict=True)
            ]
            for variable, move in zip(variables, moves, strict=True):
                variable.assign_add(move)
            _, slopes = loss_and_gradients(loss, variables)
            for variable, move in zip(variables, moves, strict=True):
                variable.assign_sub(move)
            optimizer.apply(slopes, variables)

        rng = np.random.default_rng(self.seed)
        run_epochs(step, len(fitting), self.epochs, rng, "Sharpness-aware fine-tuning")
        return network
