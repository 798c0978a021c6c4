"""The trigger is recovered from the network, and unlearned in the frequency domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.detectors import DETECTORS, Detector, SpectralInversion, parse_detector
from engine.defenses.detectors.spectral_inversion import norm_at_psnr, perturbation_norm
from engine.defenses.repairs.finetune_loop import (
    BATCH,
    cosine_decay,
    count_steps,
    run_epochs,
)
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import select_strongest
from engine.imaging import dct
from engine.imaging.random_shift import random_shift
from engine.networks import edit
from engine.networks.gradients import loss_and_gradients
from engine.networks.logits import logits_network

if TYPE_CHECKING:
    import keras

LEARNING_RATES = (1e-4, 5e-5, 2e-5)  # the higher, the more is unlearned
PATTERNS = 256  # to draw from
WAVES = 5  # at most, in a pattern drawn at random
COARSEST = 4  # band from which on they are: coarser ones are what a picture shows
REACH = 2  # pixels that an image is moved at most
HIGHEST_PSNR, LOWEST_PSNR = 56.0, 36.0  # dB of PSNR, of the patterns unlearned


@dataclass(frozen=True)
class SpectralUnlearning(BudgetedRepair):
    """Recover the trigger's pattern from the network, and train the network to ignore it.

    The detector searches for a class that a faint pattern leads to. If it flags one, the network
    is fine-tuned on clean images and on copies with a pattern added, all with their true labels:
    half of the copies get the recovered pattern at a random strength, the other half a few random
    waves, because a recovered pattern is seldom the whole trigger. Each image is shifted at random
    by up to 2 pixels, so that fine-tuning on few images does not cost accuracy.
    """

    name: ClassVar[str] = "spectral-unlearning"
    title: ClassVar[str] = "Spectral unlearning"
    summary: ClassVar[str] = (
        "The trigger's pattern is recovered from the network itself; then the network is trained to"
        " classify images correctly in spite of it."
    )
    needs: ClassVar[str] = "all; each half evaluates what the other half trained"

    epochs: int = parameter(
        6, "Epochs", "Passes over the images, with and without pattern.", minimum=1, maximum=100
    )
    detector: str = parameter(
        SpectralInversion.name, "Detector", "Recovers the pattern; one that gives a pattern."
    )

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        found = self._detector()(network, validation)
        evidence = found.details()
        if not found.flagged:
            return Repaired(
                edit.clone_network(network),
                "Nothing was changed: no class stands out, so there is nothing to unlearn.",
                details=evidence,
            )
        if found.pattern is None:
            raise UserError(
                f"The detector '{self.detector}' recovers no pattern to unlearn: choose"
                " another one."
            )
        pattern = found.pattern
        repaired, choice = select_strongest(
            network,
            validation,
            self.budget,
            LEARNING_RATES,
            lambda rate, fitting: self._unlearned(
                edit.clone_network(network), fitting, pattern, rate
            ),
        )
        return Repaired(
            repaired,
            "Nothing was changed: no learning rate kept clean accuracy."
            if choice.setting is None
            else f"The pattern that leads to class {found.flagged[0]} was recovered and"
            f" unlearned in {self.epochs} epochs at a learning rate of {choice.setting:g}.",
            details={**evidence, "learning_rate": choice.setting, **choice.details()},
        )

    def _detector(self) -> Detector:
        """The detector, with this repair's seed where it has one."""
        seeded = "seed" in DETECTORS.find(self.detector).parameters()
        return parse_detector(f"{self.detector}:seed={self.seed}" if seeded else self.detector)

    def _unlearned(
        self, network: keras.Model, fitting: Split, pattern: np.ndarray, rate: float
    ) -> keras.Model:
        import keras
        import tensorflow as tf

        half = BATCH // 2
        rng = np.random.default_rng(self.seed)
        patterns = tf.constant(dct.inverse(drawn_patterns(pattern, PATTERNS, rng)))
        variables = network.trainable_variables
        steps = count_steps(len(fitting), self.epochs, half)
        optimizer = keras.optimizers.Adam(cosine_decay(rate, steps))
        optimizer.build(variables)
        moved = random_shift(fitting.images, REACH, rng)
        logits = logits_network(network)
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        pictures = tf.TensorSpec([None, *fitting.images.shape[1:]], tf.uint8)
        numbers = tf.TensorSpec([None], tf.int64)

        @tf.function(input_signature=[pictures, numbers, numbers], jit_compile=False)
        def step(images: Any, labels: Any, which: Any) -> None:
            clean = tf.cast(images, tf.float32)
            perturbed = tf.clip_by_value(clean + tf.gather(patterns, which), 0, 255)

            def loss() -> Any:
                read = logits(tf.concat([clean, perturbed], 0) / 255, training=True)
                return loss_of(tf.concat([labels, labels], 0), read)

            optimizer.apply(loss_and_gradients(loss, variables)[1], variables)

        run_epochs(
            lambda chosen: step(
                moved(chosen), fitting.labels[chosen], rng.integers(0, PATTERNS, len(chosen))
            ),
            len(fitting),
            self.epochs,
            rng,
            f"Unlearning the pattern at a learning rate of {rate:g}",
            half,
        )
        return network


def drawn_patterns(recovered: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Patterns to unlearn, of random norm: every other one is the recovered pattern.

    The others are a few random DCT waves.

    Args:
        recovered: float32 [3, height, width], DCT coefficients of Y, U and V. Where they are all
            zero, as for a network that predicts one class for every image, all are random waves.
        count: number of patterns.
        rng: draws the waves and the norms.

    Returns:
        float32 [count, 3, height, width].
    """
    patterns = np.zeros((count, *recovered.shape), np.float32)
    smallest, largest = (
        norm_at_psnr(decibels, recovered.shape) for decibels in (HIGHEST_PSNR, LOWEST_PSNR)
    )
    for number in range(count):
        taken = number % 2 == 0 and recovered.any()
        pattern = recovered if taken else _random_waves(recovered.shape, rng)
        patterns[number] = pattern * rng.uniform(smallest, largest) / perturbation_norm(pattern)
    return patterns


def _random_waves(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One to `WAVES` coefficients of Y, U or V, anywhere but at the coarsest bands."""
    pattern = np.zeros(shape, np.float32)
    coarsest = [min(COARSEST, side - 1) for side in shape[1:]]
    for _ in range(rng.integers(1, WAVES + 1)):
        row, column = rng.integers(coarsest, shape[1:])
        pattern[rng.integers(0, 3), row, column] += rng.normal()
    return pattern
