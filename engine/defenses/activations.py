"""Channel activations on clean and on triggered images (paper, Figures 5 and 6).

Statistics over many images come from TensorFlow. How one image and its triggered copy differ is
computed from the outputs of any runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.core import progress
from engine.networks import running
from engine.networks.channels import channel_sums, check_layer
from engine.networks.layer_kinds import kind_of

if TYPE_CHECKING:
    import keras

_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D")
_ACTIVATIONS = ("Activation", "ReLU", "ELU", "LeakyReLU", "PReLU")
_POOLING = ("MaxPooling2D", "AveragePooling2D")
_JOINING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
_SHOWN = frozenset((*_CONVOLUTIONS, *_ACTIVATIONS, *_POOLING, *_JOINING))


@dataclass(frozen=True)
class ChannelStats:
    """One layer's activity over a set of images.

    Attributes:
        mean: float64 [channels], mean over images and positions.
        positive: float64 [channels], share of positions with a value above zero, 0 to 1.
    """

    mean: np.ndarray
    positive: np.ndarray


def channel_layers(model: keras.Model) -> list[str]:
    """Names of the layers whose channels are shown, in the order of the network.

    They are convolutions, activations, pooling layers, and those that join branches, as far as
    their output has a map for each channel.
    """
    tensors = running.layer_tensors(model)
    return [
        layer.name
        for layer in model.layers
        if kind_of(layer) in _SHOWN and len(tensors[layer.name].shape) == 4
    ]


def measure(
    model: keras.Model, layers: Sequence[str], images: np.ndarray, message: str = "Measuring"
) -> dict[str, ChannelStats]:
    """Statistics of every channel of `layers`, in one pass over `images` in batches.

    Args:
        model: a network from floats 0 to 1.
        layers: names out of `channel_layers(model)`.
        images: uint8 [n, height, width, 3], n at least 1.
        message: what the progress says.
    """
    import tensorflow as tf

    for name in layers:
        check_layer(name, channel_layers(model))
    watcher = running.intermediate_outputs(model, layers)
    outputs = watcher.output
    # Only the sums leave TensorFlow: a few kilobytes a batch instead of every activation.
    run = tf.function(
        lambda batch: {
            name: channel_sums(values) for name, values in watcher(batch, training=False).items()
        },
        input_signature=[tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)],
        jit_compile=False,
    )
    sums = {name: np.zeros((2, output.shape[-1])) for name, output in outputs.items()}
    for part in running.batches(len(images)):
        for name, values in run(running.scale(images[part])).items():
            sums[name] += values.numpy()
        progress.report(part.stop, len(images), message)
    return {
        name: stats_from_sums(sums[name], len(images) * int(np.prod(output.shape[1:3])))
        for name, output in outputs.items()
    }


def stats_from_sums(sums: np.ndarray, positions: int) -> ChannelStats:
    """Statistics from `channel_sums`, each over `positions` values."""
    mean, positive = sums / positions
    return ChannelStats(mean, positive)


def change_by_layer(table: pd.DataFrame) -> pd.DataFrame:
    """How much the trigger changes each layer's mean activations.

    Args:
        table: as `table` gives it.

    Returns:
        A row a layer, in the order of the network: layer, and moved: root mean square over the
        channels of the triggered mean minus the clean mean, in percent of that of the clean
        means.
    """
    squares = table.assign(
        change=(table["triggered_mean"] - table["clean_mean"]) ** 2, size=table["clean_mean"] ** 2
    )
    sums = squares.groupby("layer", sort=False)[["change", "size"]].sum()
    moved = 100 * np.sqrt(sums["change"] / sums["size"])
    return pd.DataFrame({"layer": list(sums.index), "moved": moved.to_numpy()})


def cosine_distance(clean: np.ndarray, triggered: np.ndarray) -> float:
    """1 minus the cosine of the angle between two arrays of one shape, taken as vectors: 0 to 2.

    An array of zeros has no direction: its distance is 0 from another of zeros, else 1.
    """
    first, second = (values.ravel().astype(np.float64) for values in (clean, triggered))
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    if not lengths:
        return float(first.any() or second.any())
    return max(0.0, 1.0 - float(first @ second) / lengths)


def distance_by_layer(outputs: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """How far the signal of a triggered image departs from that of its clean original.

    Args:
        outputs: name of a layer -> its output for the clean and the triggered image, [2, ...].

    Returns:
        A row a layer, in the order of `outputs`: layer, and distance (see `cosine_distance`).
    """
    distances = [cosine_distance(clean, triggered) for clean, triggered in outputs.values()]
    return pd.DataFrame({"layer": list(outputs), "distance": distances})


def rank_changed_channels(outputs: np.ndarray) -> np.ndarray:
    """Channels by the root mean square change of their maps, the largest first: int64 [channels].

    Args:
        outputs: of one layer, for the clean and the triggered image: [2, height, width, channels].
    """
    change = np.square(outputs[1].astype(np.float64) - outputs[0]).mean(axis=(0, 1))
    return np.argsort(-change, kind="stable")


def table(
    clean: dict[str, ChannelStats], triggered: dict[str, ChannelStats] | None
) -> pd.DataFrame:
    """One row per layer and channel: layer, channel, clean_mean, triggered_mean, and the shares.

    Without triggered statistics, their columns are missing.
    """
    kinds = {"clean": clean} if triggered is None else {"clean": clean, "triggered": triggered}
    parts = []
    for layer, stats in clean.items():
        columns: dict[str, object] = {"layer": layer, "channel": np.arange(len(stats.mean))}
        columns |= {f"{kind}_mean": of[layer].mean for kind, of in kinds.items()}
        columns |= {f"{kind}_positive": of[layer].positive for kind, of in kinds.items()}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
