"""RNP: prune the channels that are not needed to relearn clean images (Li et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core import progress
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.repairs.finetune_loop import BATCH, compile_step, run_epochs
from engine.defenses.repairs.learned_masks import MaskRepair, scaled_call
from engine.networks import edit, running
from engine.networks.channels import PrunableLayer, variables_of
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

UNLEARNED = 0.2  # accuracy at which unlearning ends
MEASURED_ON = 512  # images
UNLEARNING_RATE, LONGEST = 0.01, 400  # steps
LARGEST_GRADIENT = 1.0  # norm; clipped before the step


@dataclass(frozen=True)
class RNP(MaskRepair):
    """Unlearn clean images, relearn them with a mask, and prune the channels it closes.

    After unlearning, the network still contains the backdoor; a mask that restores clean accuracy
    must close the channels that carry it. These are pruned in the original network.
    """

    name: ClassVar[str] = "rnp"
    title: ClassVar[str] = "Reconstructive neuron pruning (RNP)"
    summary: ClassVar[str] = (
        "A copy unlearns clean images and relearns them with a mask; the channels that the mask"
        " closes carry the backdoor and are pruned in the original."
    )
    closed_by: ClassVar[str] = "those that relearning closed most"

    epochs: int = parameter(
        3, "Epochs", "Passes over the clean images while the mask is learned.", minimum=1
    )
    learning_rate: float = parameter(
        0.2, "Learning rate of the mask", "As published.", minimum=1e-4, maximum=10
    )

    def masks(
        self, network: keras.Model, prunable_layers: list[PrunableLayer], fitting: Split
    ) -> list[np.ndarray]:
        """See `MaskRepair.masks`."""
        rng = np.random.default_rng(self.seed)
        unlearned = edit.clone_network(network)
        _unlearn(unlearned, fitting, rng)
        return self._relearn(unlearned, prunable_layers, fitting, rng)

    def _relearn(
        self,
        unlearned: keras.Model,
        prunable_layers: list[PrunableLayer],
        fitting: Split,
        rng: np.random.Generator,
    ) -> list[np.ndarray]:
        """The masks, float32 [channels] from 0 to 1, that restore clean accuracy."""
        import keras
        import tensorflow as tf

        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        masks = [tf.Variable(tf.ones(prunable.channels)) for prunable in prunable_layers]
        optimizer = keras.optimizers.SGD(self.learning_rate * 0.2, momentum=0.9)
        optimizer.build(masks)
        variables = [variables_of(unlearned, prunable) for prunable in prunable_layers]
        call = scaled_call(logits_network(unlearned), list(zip(variables, masks, strict=True)))

        def loss(images: Any, labels: Any) -> Any:
            return loss_of(labels, call(images))

        learn = compile_step(fitting, masks, optimizer, loss)

        def step(indices: np.ndarray) -> None:
            learn(indices)
            for mask in masks:
                mask.assign(tf.clip_by_value(mask, 0, 1))

        run_epochs(step, len(fitting), self.epochs, rng, "Relearning with a mask")
        return [np.asarray(mask) for mask in masks]


def _unlearn(network: keras.Model, fitting: Split, rng: np.random.Generator) -> None:
    """Ascend the loss until few images are classified correctly."""
    import keras
    import tensorflow as tf

    variables = network.trainable_variables
    optimizer = keras.optimizers.SGD(UNLEARNING_RATE, momentum=0.9)
    optimizer.build(variables)
    logits = logits_network(network)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(images: Any, labels: Any) -> Any:
        return -loss_of(labels, logits(images, training=False))

    def clip(gradients: list[Any]) -> list[Any]:
        clipped: list[Any] = tf.clip_by_global_norm(gradients, LARGEST_GRADIENT)[0]
        return clipped

    step = compile_step(fitting, variables, optimizer, loss, clip)
    few = fitting.take(rng.permutation(len(fitting))[:MEASURED_ON])
    few_floats, run = running.scale(few.images), running.compiled(network)
    for number in range(1, LONGEST + 1):
        step(rng.integers(0, len(fitting), min(BATCH, len(fitting))))
        if number % 10 == 0:
            progress.report(number, LONGEST, "Unlearning clean images")
            if np.mean(run(few_floats).argmax(axis=1) == few.labels) <= UNLEARNED:
                break
