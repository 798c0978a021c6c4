"""ANP: prune the channels that an adversary could exploit most (Wu and Wang 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.repairs.finetune_loop import batch_reader, run_epochs
from engine.defenses.repairs.learned_masks import MaskRepair, scaled_call
from engine.networks.channels import PrunableLayer, variables_of
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

LEARNING_RATE, MOMENTUM = 0.2, 0.9  # of the masks; as published


@dataclass(frozen=True)
class ANP(MaskRepair):
    """Learn a mask while an adversary perturbs the channels, and prune what the mask closes.

    Mask m and noise d multiply each channel's weights (m + d). In turn, the noise takes one
    step up the loss and the mask one step down alpha * loss without noise + (1 - alpha) * loss
    with it (equation 4 of the paper). `strength_selection` chooses how many channels are pruned.
    """

    name: ClassVar[str] = "anp"
    title: ClassVar[str] = "Adversarial neuron pruning (ANP)"
    summary: ClassVar[str] = (
        "Prunes the channels whose slight perturbation misleads the network most: a backdoor's"
        " channels are among them."
    )
    closed_by: ClassVar[str] = "those whose mask closed most"

    epochs: int = parameter(
        3, "Epochs", "Passes over the clean images while the mask is learned.", minimum=1
    )
    noise: float = parameter(
        0.4,
        "Noise",
        "Largest perturbation of a channel, as a share of its weights.",
        minimum=0.01,
        maximum=2,
    )
    alpha: float = parameter(
        0.2,
        "Weight of the unperturbed loss",
        "Small: robustness to the perturbation counts most.",
        minimum=0,
        maximum=1,
    )

    def masks(
        self, network: keras.Model, prunable_layers: list[PrunableLayer], fitting: Split
    ) -> list[np.ndarray]:
        """See `MaskRepair.masks`."""
        learner = _Masks(
            network,
            [(variables_of(network, prunable), prunable.channels) for prunable in prunable_layers],
        )
        step = learner.step_on(fitting, self)
        rng = np.random.default_rng(self.seed)
        run_epochs(step, len(fitting), self.epochs, rng, "Learning the mask")
        return [np.asarray(mask) for mask in learner.masks]


class _Masks:
    """A mask per prunable, and the adversary's noise."""

    def __init__(self, network: keras.Model, places: list[tuple[list[Any], int]]) -> None:
        import tensorflow as tf

        self.network, self.places = network, places
        self.masks = [tf.Variable(tf.ones(channels)) for _, channels in places]
        self.speeds = [tf.Variable(tf.zeros(channels)) for _, channels in places]

    def step_on(self, split: Split, settings: ANP) -> Any:
        """One step of noise and mask, from the indices of a batch."""
        import keras
        import tensorflow as tf

        taken, logits = batch_reader(split), logits_network(self.network)
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        variables = [own for own, _ in self.places]
        random = tf.random.Generator.from_seed(settings.seed)

        def loss(images: Any, labels: Any, factors: list[Any]) -> Any:
            call = scaled_call(logits, list(zip(variables, factors, strict=True)))
            return loss_of(labels, call(images / 255))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], jit_compile=False)
        def step(indices: Any) -> None:
            images, labels = taken(indices)
            size = settings.noise
            started = [random.uniform(mask.shape, -size, size) for mask in self.masks]

            def perturbed() -> Any:
                return loss(images, labels, _sums(self.masks, started))

            _, slopes = loss_and_gradients(perturbed, started)
            noise = [
                tf.clip_by_value(d + size * tf.sign(slope), -size, size)
                for d, slope in zip(started, slopes, strict=True)
            ]
            masks = [tf.convert_to_tensor(mask) for mask in self.masks]

            def mixed() -> Any:
                withstood = loss(images, labels, _sums(masks, noise))
                alpha = settings.alpha
                return alpha * loss(images, labels, masks) + (1 - alpha) * withstood

            _, slopes = loss_and_gradients(mixed, masks)
            for mask, speed, slope in zip(self.masks, self.speeds, slopes, strict=True):
                speed.assign(MOMENTUM * speed + slope)
                mask.assign(tf.clip_by_value(mask - LEARNING_RATE * speed, 0, 1))

        return step


def _sums(masks: list[Any], noise: list[Any]) -> list[Any]:
    return [mask + added for mask, added in zip(masks, noise, strict=True)]
