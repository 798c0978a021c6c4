"""NAD: distill the attention of a fine-tuned teacher (Li et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.repairs.finetune_loop import (
    compile_step,
    cosine_decay,
    count_steps,
    fine_tune,
    run_epochs,
)
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import describe_interpolation, interpolate_weights
from engine.networks import edit, running
from engine.networks.channels import find_prunable_layers
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

WEIGHTS = (500.0, 1000.0, 1000.0)  # of the attention at the last three resolutions; as published
TEACHER_EPOCHS = 2


@dataclass(frozen=True)
class NAD(BudgetedRepair):
    """Fine-tune a teacher, then a student whose attention must match the teacher's.

    Attention is the sum over channels of squared activations, as a vector of length 1
    (equations 1 and 3 of the paper), at the last layer of each of the last three resolutions.
    `strength_selection` chooses how far the weights move towards the student's.
    """

    name: ClassVar[str] = "nad"
    title: ClassVar[str] = "Neural attention distillation (NAD)"
    summary: ClassVar[str] = (
        "Fine-tunes the network while its attention must match that of a fine-tuned copy."
    )
    needs: ClassVar[str] = "all; each half evaluates what the other half trained"

    epochs: int = parameter(
        3, "Epochs", "Passes of the student over the clean images.", minimum=1, maximum=100
    )
    learning_rate: float = parameter(
        4e-3,
        "Learning rate",
        "The highest, of teacher and student; it decays to 0.",
        minimum=1e-6,
        maximum=1,
    )

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        repaired, choice = interpolate_weights(
            network,
            validation,
            self.budget,
            lambda fitting: self._distill(network, fitting),
        )
        return Repaired(
            repaired,
            describe_interpolation(choice, f"Distilled for {self.epochs} epochs"),
            details={"share": choice.setting, **choice.details()},
        )

    def _distill(self, network: keras.Model, fitting: Split) -> keras.Model:
        import keras
        import tensorflow as tf

        rng = np.random.default_rng(self.seed)
        rate = self.learning_rate
        teacher = fine_tune(
            edit.clone_network(network), fitting, rate, TEACHER_EPOCHS, rng, "Teaching the teacher"
        )
        student = edit.clone_network(network)
        attention_layers = _attention_layers(student)
        logits = logits_network(student)
        last = running.output_name(logits)
        shown = running.intermediate_outputs(teacher, attention_layers)
        watched = running.intermediate_outputs(logits, [*attention_layers, last])
        variables = student.trainable_variables
        optimizer = keras.optimizers.Adam(
            cosine_decay(rate, count_steps(len(fitting), self.epochs))
        )
        optimizer.build(variables)
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        def loss(images: Any, labels: Any) -> Any:
            wanted, found = shown(images, training=False), watched(images, training=True)
            total = loss_of(labels, found[last])
            for weight, place in zip(
                WEIGHTS[-len(attention_layers) :], attention_layers, strict=True
            ):
                apart = _attention(found[place]) - _attention(wanted[place])
                total += weight * tf.reduce_mean(tf.square(apart))
            return total

        step = compile_step(fitting, variables, optimizer, loss)
        run_epochs(step, len(fitting), self.epochs, rng, "Teaching the student")
        return student


def _attention(values: Any) -> Any:
    """[n, height, width, c] to [n, height * width], each of length 1."""
    import tensorflow as tf

    summed = tf.reduce_sum(tf.square(values), axis=-1)
    return tf.math.l2_normalize(tf.reshape(summed, [tf.shape(summed)[0], -1]), axis=1)


def _attention_layers(network: keras.Model) -> list[str]:
    """Names of the layers compared: the last prunable one at each of the last three resolutions."""
    last: dict[tuple[int, ...], str] = {}
    for prunable in find_prunable_layers(network):
        last[tuple(network.get_layer(prunable.holder).output.shape[1:3])] = prunable.holder
    return list(last.values())[-3:]
