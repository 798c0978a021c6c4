"""The benchmarks: each figure a ratio against the plain way, measured in the same run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np

from engine import store
from engine.attacks.triggers import TRIGGERS, FTrojan, LearnedTrigger, Trigger
from engine.attacks.triggers.bpp import BppAttack
from engine.core import progress
from engine.datasets import available, load_dataset
from engine.datasets.dataset import Split
from engine.evaluation import metrics
from engine.networks import architectures, channels, edit, numpy_inference, split, untrusted
from engine.training import fit

ROUNDS = 3  # each way is timed that often, in turn; the best of each counts


@dataclass(frozen=True)
class Comparison:
    """One piece of work done in two ways.

    Attributes:
        name: what is compared.
        unit: what is counted.
        ours, plain: seconds a unit, best of `ROUNDS`.
        wanted: the ratio to reach.
        note: what the plain way is.
    """

    name: str
    unit: str
    ours: float
    plain: float
    wanted: float
    note: str

    def row(self) -> dict[str, Any]:
        """For a table: units a second in either way, and how many times faster ours is."""
        return {
            "benchmark": self.name,
            "unit": f"{self.unit}/s",
            "ours": float(f"{1 / self.ours:.4g}"),
            "plain": float(f"{1 / self.plain:.4g}"),
            "ratio": round(self.plain / self.ours, 2),
            "wanted": self.wanted,
            "plain_way": self.note,
        }


def run(root: str | None = None) -> list[Comparison]:
    """Every benchmark; that of the dataset only where GTSRB is at hand."""
    steps: list[tuple[str, Callable[[], list[Comparison]]]] = [
        ("Poisoning", lambda: [_poisoning()]),
        ("Other triggers", _triggers),
        ("Pruning curve", _curve),
        ("Training", lambda: [_training()]),
        ("Channel bounds", lambda: [_bounds()]),
    ]
    if available("gtsrb", root):
        steps.append(("Opening GTSRB", lambda: _datasets(root)))
    found: list[Comparison] = []
    for number, (name, step) in enumerate(steps):
        progress.report(number, len(steps), name)
        found += step()
    return found


def _best(*ways: Callable[[], Any]) -> list[float]:
    """Seconds of each way, best of `ROUNDS`, taken in turn so that a busy moment hits both."""
    times = [[float("inf")] for _ in ways]
    for _ in range(ROUNDS):
        for way, seen in zip(ways, times, strict=True):
            started = time.perf_counter()
            way()
            seen.append(time.perf_counter() - started)
    return [min(seen) for seen in times]


def _noise(count: int, classes: int = 43) -> Split:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return Split(images, rng.integers(0, classes, count))


def _poisoning() -> Comparison:
    trigger, images = FTrojan(), _noise(20_000).images
    few = images[:1000]
    ours, plain = _best(lambda: trigger(images), lambda: _image_by_image(trigger, few))
    return Comparison(
        "poisoning",
        "images",
        ours / len(images),
        plain / len(few),
        80,
        "image by image through OpenCV, as published",
    )


def _triggers() -> list[Comparison]:
    """Every other trigger that learns nothing, dithering too."""
    images = _noise(20_000).images
    few = images[:500]
    kinds = [kind for kind in TRIGGERS.values() if not issubclass(kind, FTrojan | LearnedTrigger)]
    triggers = [*(kind() for kind in kinds), BppAttack(dithering="floyd-steinberg")]
    found = []
    for trigger in triggers:

        def one_by_one(trigger: Trigger = trigger) -> None:
            for number in range(len(few)):
                trigger(few[number : number + 1])

        ours, plain = _best(partial(trigger, images), one_by_one)
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
    """The published way: every step for every image, channel and window by itself, in float64."""
    planes = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb) for image in images])
    planes = planes.astype(np.float64).transpose(0, 3, 1, 2)
    bands = _each_window(cv2.dct, planes, trigger.window)
    for image in bands:
        for channel in trigger.channels:
            for top in range(0, image.shape[1], trigger.window):
                for left in range(0, image.shape[2], trigger.window):
                    for row, column in trigger.bands:
                        image[channel, top + row, left + column] += trigger.magnitude
    planes = _each_window(cv2.idct, bands, trigger.window).transpose(0, 2, 3, 1)
    rounded = np.clip(planes, 0, 255).astype(np.uint8)  # without this it would wrap around
    return np.stack([cv2.cvtColor(image, cv2.COLOR_YCrCb2RGB) for image in rounded])


def _each_window(
    transform: Callable[[np.ndarray], np.ndarray], planes: np.ndarray, window: int
) -> np.ndarray:
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
    layer = split.convolutions(network)[-1]
    block = split.cut(network, layer)
    order = np.random.default_rng(0).permutation(block.channels)
    steps = block.channels + 1
    repaired = [edit.without_channels(network, layer, order[:k]) for k in (1, 64)]

    def ours() -> None:
        for part in architectures.batches(len(data)):
            features, _ = block.features(architectures.scale(data.images[part]))
            block.tail.walk(features, order)

    def plain() -> None:
        for model in repaired:
            metrics.predict(model, data.images)

    quick, slow = _best(ours, plain)
    features, _ = block.features(architectures.scale(data.images[:1000]))
    many = np.tile(features, (25, 1, 1, 1))
    (walking,) = _best(lambda: block.tail.walk(many, order))
    (passing,) = _best(lambda: block.features(architectures.scale(data.images)))
    return [
        Comparison(
            "pruning curve",
            "steps",
            quick / steps,
            slow / len(repaired),
            10,
            "zero kernel and bias, run the network again",
        ),
        Comparison(
            "curve beyond the forward pass",
            "runs over 25,000 images",
            walking,
            passing / len(data) * 25_000,
            1,
            "the forward pass itself",
        ),
    ]


def _training() -> Comparison:
    data, settings = _noise(64 * 24), fit.TrainingConfig(epochs=1)
    ours = fit.one_epoch(architectures.paper_network(), data, settings)
    fitted = architectures.paper_network()
    fitted.compile(optimizer="adam", loss="sparse_categorical_crossentropy", jit_compile=False)
    floats = architectures.scale(data.images)

    def plain() -> None:
        fitted.fit(floats, data.labels, batch_size=settings.batch, epochs=1, verbose=0)

    for way in (ours, plain):  # tracing is not training
        way()
    quick, slow = _best(ours, plain)
    return Comparison(
        "training", "images", quick / len(data), slow / len(data), 1, "model.fit on the same images"
    )


def _bounds() -> Comparison:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        architectures.paper_network().save(file)

        def plain() -> None:
            network = store.open_network(file)
            for site in channels.find_sites(network):
                channels.bounds(network, site)

        def ours() -> None:
            numpy_inference.channel_bounds(untrusted.own_parts(file, file.name))

        quick, through_keras = _best(ours, plain)
    return Comparison(
        "CLP's channel bounds",
        "networks",
        quick,
        through_keras,
        1,
        "through Keras, once TensorFlow is there",
    )


def _datasets(root: str | None) -> list[Comparison]:
    with tempfile.TemporaryDirectory() as home, _home(Path(home)):
        started = time.perf_counter()
        dataset = load_dataset("gtsrb", root)
        first = time.perf_counter() - started
        (again,) = _best(lambda: load_dataset("gtsrb", root))
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


def _home(folder: Path) -> Any:
    return mock.patch.dict("os.environ", {"PRUNING_LAB_HOME": str(folder)})
