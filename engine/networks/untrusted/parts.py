"""A network taken apart: its description and its weights, without Keras."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.networks.untrusted import archive_checks, weights

_CONFIG, _WEIGHTS = "config.json", "weights.npz"


@dataclass(frozen=True)
class Parts:
    """What a .keras file holds.

    Attributes:
        config: the network as Keras describes it, ready for JSON.
        weights: arrays by their path in the file, such as "layers/conv2d/vars/0".
    """

    config: Mapping[str, Any]
    weights: Mapping[str, np.ndarray]

    def convolutions(self) -> list[str]:
        """Names of the convolutions, in order."""
        layers = self.config["config"]["layers"]
        return [layer["config"]["name"] for layer in layers if layer["class_name"] == "Conv2D"]

    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images it takes."""
        layers = self.config["config"]["layers"]
        first = next(layer for layer in layers if layer["class_name"] == "InputLayer")
        _, height, width, channels = first["config"]["batch_shape"]
        return height, width, channels


def read_parts(path: Path) -> Parts:
    """The parts of a .keras file that this program wrote; any other is for the child.

    Raises:
        UserError: it is damaged, or uses parts that are not allowed.
    """
    copy = io.BytesIO()
    config, _ = archive_checks.unpack(path, copy)
    return checked(Parts(config, weights.read(copy)))


def checked(parts: Parts) -> Parts:
    """`parts`, if it takes images and its layers have names; else a `UserError`."""
    try:
        named = all(isinstance(name, str) and name for name in parts.convolutions())
        takes_images = all(type(side) is int and side > 0 for side in parts.input_shape())
    except (KeyError, TypeError, ValueError, StopIteration):
        raise UserError("does not describe a network of layers.") from None
    if not takes_images:
        raise UserError(f"takes {parts.input_shape()}, not images of a fixed size.")
    if not named:
        raise UserError("has a layer without a name: it is not loaded.")
    return parts


def write_parts(parts: Parts, folder: Path) -> None:
    """Write parts into a folder, for `read_rewritten`."""
    (folder / _CONFIG).write_text(json.dumps(parts.config), encoding="utf-8")
    arrays: dict[str, Any] = dict(parts.weights)
    with (folder / _WEIGHTS).open("wb") as file:
        np.savez(file, **arrays)


def read_rewritten(folder: Path) -> Parts:
    """The parts that `write_parts` wrote."""
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        with np.load(folder / _WEIGHTS, allow_pickle=False) as stored:
            return Parts(config, dict(stored))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} is damaged: delete it, and it is made again.") from error
