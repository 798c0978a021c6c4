"""The pruning curve: accuracy and attack success after each pruned channel (paper, Figure 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets.dataset import Split
from engine.defenses.activations import ChannelStats, stats_from_sums
from engine.defenses.pruning.orders import find_order
from engine.evaluation.eval_pair import EvalPair
from engine.evaluation.targets import target_labels
from engine.networks import running
from engine.networks.split import Block, Features, cut

if TYPE_CHECKING:
    import keras

Aim = Callable[[np.ndarray], np.ndarray]  # from true classes to those wanted
PAPER_THRESHOLDS = (2.0, 10.0, 20.0, 30.0)
KINDS = ("clean", "triggered")
COLUMNS = ("step", "channel", "fraction", "clean_accuracy", "attack_success", "recovered_accuracy")


@dataclass(frozen=True)
class Curve:
    """One order's curve, on validation (to choose a step) and on test (to report).

    Attributes:
        order: name of the order of pruning.
        layer: the convolution that was pruned.
        validation, test: one row a step, with `COLUMNS`; step 0 is the untouched network and
            has channel -1; fraction from 0 to 1, the scores in percent. Without a known trigger
            clean accuracy is the only score.
    """

    order: str
    layer: str
    validation: pd.DataFrame
    test: pd.DataFrame

    @property
    def channels(self) -> np.ndarray:
        """int64 [c]: the channels in the order they are pruned."""
        return self.test["channel"].to_numpy()[1:]

    def step_at(self, threshold: float) -> int:
        """See `step_at`."""
        return step_at(self.validation, threshold)

    def at_thresholds(self, thresholds: Sequence[float]) -> pd.DataFrame:
        """What the repaired network does at each threshold: threshold, validation_accuracy and
        the row of the test curve."""
        steps = [self.step_at(threshold) for threshold in thresholds]
        rows = {name: self.test[name].to_numpy()[steps] for name in self.test if name != "channel"}
        start = {"threshold": list(thresholds), "step": rows.pop("step")}
        start["fraction"] = rows.pop("fraction")
        start["validation_accuracy"] = self.validation["clean_accuracy"].to_numpy()[steps]
        return pd.DataFrame(start | rows)  # inserting columns one by one takes longer


def check_threshold(threshold: float) -> float:
    """`threshold`, if it is a drop in percentage points; else a `UserError`."""
    if not 0 < threshold <= 100:
        raise UserError(
            "A threshold is a drop in accuracy above 0 and up to 100 percentage points,"
            f" not {threshold:g}."
        )
    return threshold


def step_at(validation: pd.DataFrame, threshold: float) -> int:
    """The step at which the defender stops (paper, section 3.2).

    Args:
        validation: the curve on validation; its clean accuracy alone decides.
        threshold: drop in clean accuracy at which pruning stops, percentage points.

    Returns:
        The first step at which accuracy has dropped by `threshold`, or the last step.
    """
    check_threshold(threshold)
    accuracy = validation["clean_accuracy"].to_numpy()
    dropped = np.flatnonzero(accuracy[0] - accuracy >= threshold - 1e-9)
    return int(dropped[0]) if len(dropped) else len(accuracy) - 1


def threshold_at(validation: pd.DataFrame, step: int) -> float:
    """The largest drop up to `step`, percentage points: the threshold that leads there, or to
    the step before it at which accuracy had dropped as far."""
    accuracy = validation["clean_accuracy"].to_numpy()[: step + 1]
    return float(accuracy[0] - accuracy.min())


def trace(
    model: keras.Model,
    layer: str,
    orders: Sequence[str],
    validation: EvalPair,
    test: EvalPair,
    target: int | None,
) -> dict[str, Curve]:
    """Prune the channels of `layer` one by one, in each of `orders`.

    The network runs once over each set of images; what each step predicts follows from the
    cached output of the layer's block (see `split`).

    Args:
        model: a network from floats 0 to 1.
        layer: a convolution.
        orders: names out of `orders.ORDERS`.
        validation: decides the order, and later the step.
        test: reported only.
        target: the class the backdoor leads to; None where no trigger is known.

    Returns:
        A `Curve` for each order. Progress carries the first order's test curve so far.

    Raises:
        UserError: an order needs triggered images, and there are none.
    """
    for name in orders:
        find_order(name).check_usable(validation)
    block = cut(model, layer)
    aim = (
        None
        if target is None
        else partial(target_labels, target=target, classes=model.output_shape[-1])
    )
    total = 2 * len(validation) + len(test)  # read, pruned; and both at once
    cached, stats = _read_validation(block, validation, total)
    done = sum(len(labels) for _, _, labels in cached)
    ranked = {
        name: find_order(name).rank(stats["clean"], stats.get("triggered")) for name in orders
    }
    on_validation = {name: _Walk(block, channels, aim) for name, channels in ranked.items()}
    while cached:
        batch = cached.pop()
        for walk in on_validation.values():
            walk.add(*batch)
        done += len(batch[1])
        progress.report(done, total, "Pruning on validation images")
    on_test = {name: _Walk(block, channels, aim) for name, channels in ranked.items()}
    for kind, part, split in _interleaved(test):
        features, _ = block.features(running.scale(split.images[part]))
        for walk in on_test.values():
            walk.add(kind, features, split.labels[part])
        done += len(features)
        progress.report(done, total, "Pruning on test images", on_test[orders[0]].figures())
    return {
        name: Curve(name, layer, on_validation[name].table(), on_test[name].table())
        for name in orders
    }


def _read_validation(
    block: Block, validation: EvalPair, total: int
) -> tuple[list[tuple[str, Features, np.ndarray]], dict[str, ChannelStats]]:
    """The block's output and the labels of each batch, and the channels' statistics.

    Args:
        block: the pruned layer with what follows it.
        validation: clean and triggered images.
        total: images of the whole run, for the progress.

    Returns:
        For each batch "clean" or "triggered", features and labels; statistics for each of the two.
    """
    cached: list[tuple[str, Features, np.ndarray]] = []
    stats: dict[str, ChannelStats] = {}
    done = 0
    for kind, split in validation.splits():
        sums = np.zeros((2, block.channels))
        for part in running.batches(len(split)):
            features, batch_sums = block.features(running.scale(split.images[part]))
            sums += batch_sums
            cached.append((kind, features, split.labels[part]))
            done += len(features)
            progress.report(done, total, "Reading validation images")
        stats[kind] = stats_from_sums(sums, len(split) * block.positions)
    return cached, stats


def _interleaved(images: EvalPair) -> Sequence[tuple[str, slice, Split]]:
    """Alternating batches of clean and triggered images, so that both lines grow together."""
    batches = [
        (part.start / len(split), kind, part, split)
        for kind, split in images.splits()
        for part in running.batches(len(split))
    ]
    return [batch[1:] for batch in sorted(batches, key=lambda batch: batch[0])]


class _Walk:
    """Counts for one order, over the images processed so far."""

    def __init__(self, block: Block, channels: np.ndarray, aim: Aim | None) -> None:
        self.block, self.channels, self.aim = block, channels, aim
        kinds = KINDS[:1] if aim is None else KINDS
        self.right = {kind: np.zeros(len(channels) + 1, np.int64) for kind in kinds}
        self.hits = np.zeros(len(channels) + 1, np.int64)
        self.images = dict.fromkeys(kinds, 0)

    def add(self, kind: str, features: Features, labels: np.ndarray) -> None:
        """Count a batch's predictions at each step."""
        predictions = self.block.tail.predict_while_pruned(features, self.channels)
        self.images[kind] += len(labels)
        self.right[kind] += np.count_nonzero(predictions == labels, axis=1)
        if kind == "triggered" and self.aim is not None:
            self.hits += np.count_nonzero(predictions == self.aim(labels), axis=1)

    def table(self) -> pd.DataFrame:
        """One row per step, with `COLUMNS`, as far as they can be measured."""
        steps = np.arange(len(self.channels) + 1)
        shares = {kind: 100 * self.right[kind] / max(self.images[kind], 1) for kind in self.right}
        columns = {
            "step": steps,
            "channel": np.concatenate([[-1], self.channels]),
            "fraction": steps / len(self.channels),
            "clean_accuracy": shares["clean"],
        }
        if "triggered" in shares:
            columns["attack_success"] = 100 * self.hits / max(self.images["triggered"], 1)
            columns["recovered_accuracy"] = shares["triggered"]
        return pd.DataFrame(columns)

    def figures(self) -> dict[str, Any]:
        """The curve so far, ready for JSON; empty before both kinds of images were seen."""
        if not all(self.images.values()):
            return {}
        return {"curve": self.table().drop(columns=["channel", "step"]).round(3).to_dict("list")}
