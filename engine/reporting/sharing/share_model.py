"""A model as a folder that a model hub takes: weights, sample images, and a card that warns.

model.keras, model.safetensors, model.onnx   the same network in three formats
README.md                                    the card; see `hub_card`
samples/clean-N.png, samples/triggered-N.png the same images without and with the trigger
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.core import atomic_files, progress
from engine.datasets import Split
from engine.evaluation import metrics
from engine.experiments import export_model
from engine.imaging import render
from engine.reporting.sharing import hub_card
from engine.store import StoredModel

if TYPE_CHECKING:
    import keras

KERAS, SAFETENSORS, ONNX = "model.keras", "model.safetensors", "model.onnx"
CARD, SAMPLES = "README.md", "samples"
COUNT = 4  # sample images


@dataclass(frozen=True)
class Sample:
    """A test image, as it is and with the model's trigger.

    Attributes:
        label: its class.
        clean: uint8 [height, width, 3].
        triggered: the same; None where no trigger is known.
    """

    label: int
    clean: np.ndarray
    triggered: np.ndarray | None


def share(stored: StoredModel, folder: Path, images: Split | None, replace: bool = False) -> None:
    """Write a model as a folder to share.

    Args:
        stored: the model.
        folder: where; it is made in one step.
        images: test images, for the samples; None to leave them out.
        replace: whether `folder` may exist, and is replaced.

    Raises:
        UserError: the folder exists or cannot be written, or the network cannot be exported.
    """
    samples = [] if images is None else choose_samples(stored, images)
    with atomic_files.new_folder(folder, replace) as aside:
        for name in (KERAS, ONNX):
            export_model.export(stored, aside / name)
        progress.report(0, 0, f"Writing {SAFETENSORS}")
        write_safetensors(stored.network(), aside / SAFETENSORS)
        if samples:
            _write_samples(samples, aside / SAMPLES)
        text = hub_card.write(stored, [sample.label for sample in samples])
        (aside / CARD).write_text(text, encoding="utf-8")


def choose_samples(stored: StoredModel, images: Split) -> list[Sample]:
    """The first image of some classes other than the target.

    Args:
        stored: the model.
        images: of its dataset, at its size.
    """
    backdoor = stored.card.backdoor
    chosen: dict[int, int] = {}
    outside = (
        np.arange(len(images))
        if backdoor is None
        else metrics.attackable_indices(images, backdoor.target)
    )
    for index in outside.tolist():
        chosen.setdefault(int(images.labels[index]), index)
        if len(chosen) == COUNT:
            break
    clean = np.asarray(images.images[list(chosen.values())])
    triggered: Sequence[np.ndarray | None] = (
        [None] * len(clean) if backdoor is None else list(backdoor.trigger(clean))
    )
    return [
        Sample(label, image, changed)
        for label, image, changed in zip(chosen, clean, triggered, strict=True)
    ]


def write_safetensors(network: keras.Model, file: Path) -> None:
    """Write every weight of a network under its path in the network, such as ``conv2d/kernel``."""
    from safetensors.numpy import save_file

    weights = {weight.path: np.ascontiguousarray(weight.numpy()) for weight in network.weights}
    save_file(weights, file, metadata={"format": "keras"})


def _write_samples(samples: Sequence[Sample], folder: Path) -> None:
    folder.mkdir()
    for number, sample in enumerate(samples):
        (folder / f"clean-{number}.png").write_bytes(render.png(sample.clean))
        if sample.triggered is not None:
            (folder / f"triggered-{number}.png").write_bytes(render.png(sample.triggered))
