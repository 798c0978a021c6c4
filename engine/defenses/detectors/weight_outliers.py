"""Weight outliers: a class that a few amplifying channels pull toward, seen in weights alone.

A backdoor gives its target class something the other classes lack: channels that amplify a faint
trigger (CLP, Zheng et al. 2022), and weights in the last layer that stand out from the other
classes' (as in DFBScanner, Yu et al. 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from engine.core import progress
from engine.core.errors import UserError
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.detectors.detector import Detection, Detector
from engine.networks import channels, running
from engine.networks.layer_graph import network_nodes
from engine.networks.layer_kinds import kind_of
from engine.networks.logits import read_out

if TYPE_CHECKING:
    import keras

FEWEST_CLASSES = 4  # with fewer, the median deviation says nothing
# Layers whose outputs have no places, and yet stand for channels in the order they had before.
_KEEPS_CHANNELS = (
    "Activation",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "LeakyReLU",
    "ReLU",
    "Reshape",
)
NORMAL = 1.4826  # standard deviations of a normal distribution in a median absolute deviation


@dataclass(frozen=True)
class WeightOutliers(Detector):
    """Compare how strongly a few channels pull toward each class.

    A channel's pull toward a class is its mean weight there in the last dense layer, over all
    places, times how much the channel can amplify a change of its input (CLP's bound). A class's
    pull is the mean of its few strongest. Its score is how many robust standard deviations it lies
    above the median class's (median absolute deviation).
    """

    name: ClassVar[str] = "weights"
    title: ClassVar[str] = "Weight outliers"
    summary: ClassVar[str] = (
        "Compares, from the weights alone, how strongly a few amplifying channels pull toward each"
        " class; a class with a much stronger pull than the rest is flagged. It takes a second."
    )
    reference: ClassVar[str] = "after Zheng et al. 2022"

    strongest: int = parameter(
        8, "Channels", "How many of a class's strongest channels are averaged.", minimum=1
    )
    threshold: float = parameter(
        5.0,
        "Threshold",
        "Robust standard deviations above the median class from which a class is flagged.",
        minimum=0.0,
    )

    def __call__(self, network: keras.Model, images: Split) -> Detection:  # noqa: ARG002
        """See `Detector.__call__`; the images are not looked at.

        Raises:
            UserError: the network has fewer than four classes, or its class scores do not come
                from a dense layer.
        """
        classes = network.output_shape[-1]
        if classes < FEWEST_CLASSES:
            raise UserError(
                f"Weight outliers need at least {FEWEST_CLASSES} classes to compare, and the"
                f" network has {classes}: choose another detector."
            )
        dense, before_dense = read_out(network)
        weights = np.asarray(dense.kernel, np.float64)
        amplification = _amplification(network, before_dense)
        scores = robust_deviations(class_pulls(weights, amplification, self.strongest))
        progress.report(1, 1, "Comparing the weights")
        flagged = tuple(int(label) for label in np.flatnonzero(scores >= self.threshold))
        return Detection(scores=scores, unit="deviations", flagged=flagged)


def class_pulls(weights: np.ndarray, amplification: np.ndarray, strongest: int) -> np.ndarray:
    """The mean of each class's strongest pulls: float64 [classes].

    Args:
        weights: of the last dense layer, [places * channels, classes].
        amplification: of each channel, [channels].
        strongest: how many channels to average; all if there are fewer.
    """
    places = weights.reshape(-1, len(amplification), weights.shape[1])
    pulls = np.sort(places.mean(axis=0) * amplification[:, None], axis=0)
    mean: np.ndarray = pulls[-strongest:].mean(axis=0)
    return mean


def robust_deviations(values: np.ndarray) -> np.ndarray:
    """How far each value lies above the median, in robust standard deviations: float64 [n].

    Where more than half the values are equal, in plain standard deviations.
    """
    above = values - np.median(values)
    spread = NORMAL * float(np.median(np.abs(above))) or float(values.std()) or 1.0
    deviations: np.ndarray = above / spread
    return deviations


def _amplification(network: keras.Model, before_dense: keras.Model) -> np.ndarray:
    """How much each channel that the dense layer takes can amplify a change: float64 [channels].

    CLP's bounds, if the last convolution gives these channels; ones, if not.
    """
    count = _channels_taken(before_dense)
    try:
        last = channels.find_prunable_layers(network)[-1]
    except UserError:
        return np.ones(count)
    return channels.bounds(network, last) if last.channels == count else np.ones(count)


def _channels_taken(network: keras.Model) -> int:
    """How many channels a network's output consists of, at one or several places."""
    nodes = {node.name: node for node in network_nodes(network)}
    name = running.output_name(network)
    while len(nodes[name].layer.output.shape) < 4 and kind_of(nodes[name].layer) in _KEEPS_CHANNELS:
        (name,) = nodes[name].sources
    return int(nodes[name].layer.output.shape[-1])
