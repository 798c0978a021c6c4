"""Activation caps: no activation may exceed what clean images reach (after UNIT, Cheng 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from engine.datasets.dataset import Split
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import select_strongest
from engine.networks import edit, running, standard_form
from engine.networks.layer_kinds import kind_of

if TYPE_CHECKING:
    import keras

STRENGTHS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)  # standard deviations, the strongest first
SMALLEST_SPREAD = (
    0.01  # of an activation, as a share of its layer's: some never vary on clean images
)
_CAPPED = ("Conv2D", "DepthwiseConv2D", "Dense")


class Moments(NamedTuple):
    """Of each activation that a layer takes, over clean images: float32 arrays of its shape."""

    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class ActivationCaps(BudgetedRepair):
    """Cap what each convolution and dense layer takes, except what it takes from the image.

    a' = min(a, mean + k standard deviations), for each activation by itself: one number for each
    place and channel. UNIT optimizes the caps; here k decreases for all together, as far as the
    budget of clean accuracy allows. No weight changes.
    """

    name: ClassVar[str] = "activation-caps"
    title: ClassVar[str] = "Activation caps"
    summary: ClassVar[str] = (
        "Every activation inside the network is limited to what clean images reach at its place: a"
        " small visible trigger works by exceeding that."
    )
    needs: ClassVar[str] = "all"

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        capped = _CappedNetwork(network)
        measured: dict[Split, list[Moments]] = {}

        def attempt(strength: float, images: Split) -> keras.Model:
            if images not in measured:
                measured[images] = capped.measure(images)
            return capped.cap_at(strength, measured[images])

        repaired, choice = select_strongest(network, validation, self.budget, STRENGTHS, attempt)
        if choice.setting is None:
            return Repaired(
                repaired,
                f"Nothing was changed: even caps of {STRENGTHS[-1]:g} standard deviations cost too"
                " much accuracy.",
                details=choice.details(),
            )
        return Repaired(
            repaired,
            f"Activations are capped at their mean plus {choice.setting:g} standard deviations"
            f" before {len(capped.layers)} layers.",
            details={**choice.details(), "capped_layers": capped.layers},
        )


class _CappedNetwork:
    """A copy of a network with caps, whose height can be changed."""

    def __init__(self, network: keras.Model) -> None:
        import keras

        copied = edit.clone_network(network)
        self._plain = edit.clone_network(network)
        builder = _Builder({layer.name for layer in copied.layers})
        inputs = keras.Input(network.input_shape[1:], name=copied.inputs[0]._keras_history[0].name)
        builder.before_weights.add(id(inputs))
        (outputs,) = standard_form.run_graph(copied, [inputs], builder.apply)
        # Cloned, because its layers have a second place in `copied`.
        self._network = edit.clone_network(keras.Model(inputs, outputs, name=network.name))
        self._names = builder.scaling_names
        self.layers = list(builder.scaling_names)

    def measure(self, images: Split) -> list[Moments]:
        """The moments of what each capped layer takes, without caps."""
        import keras

        taken = [self._plain.get_layer(name).input for name in self.layers]
        reading = keras.Model(self._plain.inputs[0], taken)
        sums: list[np.ndarray] = [np.zeros(tensor.shape[1:]) for tensor in taken]
        squares = [np.zeros_like(total) for total in sums]
        for start in range(0, len(images), running.BATCH):
            batch = running.scale(images.images[start : start + running.BATCH])
            for place, values in enumerate(keras.tree.flatten(reading(batch, training=False))):
                activations = np.asarray(values, np.float64)
                sums[place] += activations.sum(axis=0)
                squares[place] += np.square(activations).sum(axis=0)
        return [_moments(*both, len(images)) for both in zip(sums, squares, strict=True)]

    def cap_at(self, strength: float, moments: list[Moments]) -> keras.Model:
        """The network with its caps at that many standard deviations above the mean."""
        for (down, up), (mean, deviation) in zip(self._names.values(), moments, strict=True):
            center, reach = mean.ravel(), strength * deviation.ravel()
            one, zero = np.ones_like(center), np.zeros_like(center)
            self._network.get_layer(down).set_weights([one, zero, center, np.square(reach)])
            self._network.get_layer(up).set_weights([reach, center, zero, one])
        return self._network


def _moments(sums: np.ndarray, squares: np.ndarray, count: int) -> Moments:
    mean = sums / count
    variance = np.maximum(squares / count - np.square(mean), 0)
    overall = np.sqrt(max(squares.mean() / count - mean.mean() ** 2, 1e-12))
    deviation = np.maximum(np.sqrt(variance), SMALLEST_SPREAD * overall)
    return Moments(mean.astype(np.float32), deviation.astype(np.float32))


class _Builder:
    """Puts a cap before layers: subtract the mean and divide by the reach, min(., 1), and back.

    Of layers of the standard form alone, so that a capped network can be stored, opened, exported
    and pruned like any other.
    """

    def __init__(self, names: set[str]) -> None:
        self._taken = names
        self.before_weights: set[int] = set()  # tensors that no layer with weights has changed yet
        self.scaling_names: dict[str, tuple[str, str]] = {}  # by the name of the capped layer

    def apply(self, layer: Any, tensors: tuple[Any, ...]) -> Any:
        """The layer's output, with what it takes capped if need be."""
        from_image = all(id(tensor) in self.before_weights for tensor in tensors)
        weighted = kind_of(layer) in _CAPPED
        if weighted and not from_image:
            tensors = (self._cap(layer.name, tensors[0]),)
        outputs = layer(tensors[0] if len(tensors) == 1 else list(tensors))
        if from_image and not weighted:
            self.before_weights.add(id(outputs))
        return outputs

    def _cap(self, name: str, tensor: Any) -> Any:
        from keras import layers

        shape = tuple(tensor.shape[1:])
        down, up = self._unique(f"{name}_scaled"), self._unique(f"{name}_rescaled")
        self.scaling_names[name] = down, up
        values = tensor
        if len(shape) > 1:
            values = layers.Flatten(name=self._unique(f"{name}_flat"))(values)
        values = layers.BatchNormalization(epsilon=0.0, name=down)(values)
        values = layers.ReLU(1.0, negative_slope=1.0, name=self._unique(f"{name}_capped"))(values)
        values = layers.BatchNormalization(epsilon=0.0, name=up)(values)
        if len(shape) > 1:
            values = layers.Reshape(shape, name=self._unique(f"{name}_unflattened"))(values)
        return values

    def _unique(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name
