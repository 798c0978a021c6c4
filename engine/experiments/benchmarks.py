"""Benchmarks: each compares the program with a plain implementation, in the same run."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from engine import store
from engine.attacks.triggers import TRIGGERS, FTrojan, LearnedTrigger, Trigger
from engine.attacks.triggers.bpp import BppAttack
from engine.core import progress
from engine.datasets import available, load_dataset
from engine.datasets.dataset import Split
from engine.evaluation import metrics
from engine.networks import (
    architectures,
    channels,
    edit,
    numpy_inference,
    running,
    split,
    untrusted,
)
from engine.networks.architectures import ARCHITECTURES, PaperNetwork
from engine.training.training_config import TrainingConfig
from engine.training.training_steps import compile_epoch

if TYPE_CHECKING:
    import keras

ROUNDS = 3  # each implementation is timed that often, alternating; the best time counts


@dataclass(frozen=True)
class Comparison:
    """The times of two implementations of the same work.

    Attributes:
        name: what is compared.
        unit: what is counted.
        ours, plain: seconds per unit, best of `ROUNDS`.
        wanted: the ratio to reach; 0: none.
        note: what the plain implementation does.
    """

    name: str
    unit: str
    ours: float
    plain: float
    wanted: float
    note: str

    def row(self) -> dict[str, Any]:
        """A table's row: units per second of both, and how many times faster ours is."""
        return {
            "benchmark": self.name,
            "unit": f"{self.unit}/s",
            "ours": float(f"{1 / self.ours:.4g}"),
            "plain": float(f"{1 / self.plain:.4g}"),
            "ratio": round(self.plain / self.ours, 2),
            "wanted": self.wanted,
            "plain_way": self.note,
        }


def run(root: Path | None = None) -> list[Comparison]:
    """Run every benchmark; the one of opening a dataset only if GTSRB is available.

    Args:
        root: the folder with the datasets; the usual one if None.
    """
    steps: list[tuple[str, Callable[[], list[Comparison]]]] = [
        ("Poisoning", lambda: [_poisoning()]),
        ("Other triggers", _triggers),
        ("Pruning curve", _curve),
        ("Training", lambda: [_training()]),
        ("Precision", lambda: [_precision(name) for name in ARCHITECTURES]),
        ("Channel bounds", lambda: [_bounds()]),
    ]
    if available("gtsrb", root):
        steps.append(("Opening GTSRB", lambda: _datasets(root)))
    found: list[Comparison] = []
    for number, (name, step) in enumerate(steps):
        progress.report(number, len(steps), name)
        found += step()
    return found


def _best_times(*functions: Callable[[], Any]) -> list[float]:
    """Seconds that each function takes, best of `ROUNDS`; alternating, so that load hits all."""
    times = [[float("inf")] for _ in functions]
    for _ in range(ROUNDS):
        for function, measured in zip(functions, times, strict=True):
            started = time.perf_counter()
            function()
            measured.append(time.perf_counter() - started)
    return [min(measured) for measured in times]


def _noise(count: int, classes: int = 43) -> Split:
    """Random images and labels."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return Split(images, rng.integers(0, classes, count))


def _poisoning() -> Comparison:
    trigger, images = FTrojan(), _noise(20_000).images
    few = images[:1000]
    ours, plain = _best_times(lambda: trigger(images), lambda: _image_by_image(trigger, few))
    return Comparison(
        "poisoning",
        "images",
        ours / len(images),
        plain / len(few),
        80,
        "image by image through OpenCV, as published",
    )


def _triggers() -> list[Comparison]:
    """Every other trigger that learns nothing, and dithering."""
    images = _noise(20_000).images
    few = images[:500]
    kinds = [kind for kind in TRIGGERS.values() if not issubclass(kind, FTrojan | LearnedTrigger)]
    triggers = [*(kind() for kind in kinds), BppAttack(dithering="floyd-steinberg")]
    found = []
    for trigger in triggers:

        def one_by_one(trigger: Trigger = trigger) -> None:
            for number in range(len(few)):
                trigger(few[number : number + 1])

        ours, plain = _best_times(partial(trigger, images), one_by_one)
        found.append(
            Comparison(
                f"trigger {trigger.name}" + (", dithered" if "floyd" in str(trigger) else ""),
                "images",
                ours / len(images),
                plain / len(few),
                1,
                "the same, called for each image by itself",
            )
        )
    return found


def _image_by_image(trigger: FTrojan, images: np.ndarray) -> np.ndarray:
    """As published: one image, channel and window at a time, in float64."""
    planes = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb) for image in images])
    planes = planes.astype(np.float64).transpose(0, 3, 1, 2)
    bands = _map_windows(cv2.dct, planes, trigger.window)
    for image in bands:
        for channel in trigger.channels:
            for top in range(0, image.shape[1], trigger.window):
                for left in range(0, image.shape[2], trigger.window):
                    for row, column in trigger.bands:
                        image[channel, top + row, left + column] += trigger.magnitude
    planes = _map_windows(cv2.idct, bands, trigger.window).transpose(0, 2, 3, 1)
    rounded = np.clip(planes, 0, 255).astype(np.uint8)  # unclipped values would wrap around
    return np.stack([cv2.cvtColor(image, cv2.COLOR_YCrCb2RGB) for image in rounded])


def _map_windows(
    transform: Callable[[np.ndarray], np.ndarray], planes: np.ndarray, window: int
) -> np.ndarray:
    """Apply a transform to each window of each plane, float64 [n, channels, height, width]."""
    result = np.zeros_like(planes)
    for number, image in enumerate(planes):
        for channel, plane in enumerate(image):
            for top in range(0, plane.shape[0], window):
                for left in range(0, plane.shape[1], window):
                    part = (slice(top, top + window), slice(left, left + window))
                    result[number, channel][part] = transform(plane[part].astype(np.float64))
    return result


def _curve() -> list[Comparison]:
    network, data = architectures.paper_network(), _noise(2048)
    layer = channels.last_convolution(network)
    block = split.cut(network, layer)
    order = np.random.default_rng(0).permutation(block.channels)
    return [_whole_curve(network, layer, order, data), _walk_alone(block, order, data)]


def _whole_curve(network: keras.Model, layer: str, order: np.ndarray, data: Split) -> Comparison:
    """All steps of a curve from one forward pass, against a forward pass per step."""
    block = split.cut(network, layer)
    pruned = [edit.without_channels(network, layer, order[:count]) for count in (1, 64)]

    def ours() -> None:
        for part in running.batches(len(data)):
            features, _ = block.features(running.scale(data.images[part]))
            block.tail.predict_while_pruned(features, order)

    def plain() -> None:
        for model in pruned:
            metrics.predict(model, data.images)

    quick, slow = _best_times(ours, plain)
    return Comparison(
        "pruning curve",
        "steps",
        quick / (block.channels + 1),
        slow / len(pruned),
        10,
        "zero kernel and bias, run the network again",
    )


def _walk_alone(block: split.Block, order: np.ndarray, data: Split) -> Comparison:
    """The steps of a curve after the forward pass, against the forward pass."""
    features, _ = block.features(running.scale(data.images[:1000]))
    many = features.repeated(25)
    (walk,) = _best_times(lambda: block.tail.predict_while_pruned(many, order))
    (forward,) = _best_times(lambda: block.features(running.scale(data.images)))
    return Comparison(
        "curve beyond the forward pass",
        "runs over 25,000 images",
        walk,
        forward / len(data) * 25_000,
        1,
        "the forward pass itself",
    )


def _training() -> Comparison:
    data, config = _noise(64 * 24), TrainingConfig(epochs=1)
    ours = compile_epoch(architectures.paper_network(), data, config)
    fitted = architectures.paper_network()
    fitted.compile(optimizer="adam", loss="sparse_categorical_crossentropy", jit_compile=False)
    floats = running.scale(data.images)

    def plain() -> None:
        fitted.fit(floats, data.labels, batch_size=config.batch, epochs=1, verbose=0)

    for epoch in (ours, plain):  # the first call also compiles
        epoch()
    quick, slow = (seconds / len(data) for seconds in _best_times(ours, plain))
    return Comparison("training", "images", quick, slow, 1, "model.fit on the same images")


def _precision(name: str) -> Comparison:
    """Training a network in bfloat16; only the paper's is expected to gain from it."""
    data, config = _noise(64 * 12), TrainingConfig(epochs=1)
    epochs = [
        compile_epoch(ARCHITECTURES[name]().build(43, (32, 32, 3), 0), data, each)
        for each in (replace(config, precision="bfloat16"), config)
    ]
    for epoch in epochs:  # the first call also compiles
        epoch()
    lowered, usual = (seconds / len(data) for seconds in _best_times(*epochs))
    return Comparison(
        f"training {name} in bfloat16",
        "images",
        lowered,
        usual,
        1 if name == PaperNetwork.name else 0,
        "in float32; bfloat16 pays off on processors with instructions for it",
    )


def _bounds() -> Comparison:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        architectures.paper_network().save(file)

        def plain() -> None:
            network = store.open_network(file)
            for prunable in channels.find_prunable_layers(network):
                channels.bounds(network, prunable)

        def ours() -> None:
            numpy_inference.channel_bounds(untrusted.own_parts(file, file.name))

        quick, through_keras = _best_times(ours, plain)
    return Comparison(
        "CLP's channel bounds",
        "networks",
        quick,
        through_keras,
        1,
        "through Keras, with TensorFlow already loaded",
    )


def _datasets(root: Path | None) -> list[Comparison]:
    with _temporary_home():
        started = time.perf_counter()
        dataset = load_dataset("gtsrb", root)
        first = time.perf_counter() - started
        (again,) = _best_times(lambda: load_dataset("gtsrb", root))
    count = sum(len(split) for split in (dataset.train, dataset.validation, dataset.test))
    return [
        Comparison(
            "opening GTSRB again",
            "openings",
            again,
            first,
            16,
            f"reading all {count:,} images from the archives",
        )
    ]


@contextmanager
def _temporary_home() -> Iterator[None]:
    """Within the block, the program's home is an empty folder, so that no cache is found."""
    before = os.environ.get("PRUNING_LAB_HOME")
    with tempfile.TemporaryDirectory() as home:
        os.environ["PRUNING_LAB_HOME"] = home
        try:
            yield
        finally:
            if before is None:
                del os.environ["PRUNING_LAB_HOME"]
            else:
                os.environ["PRUNING_LAB_HOME"] = before
